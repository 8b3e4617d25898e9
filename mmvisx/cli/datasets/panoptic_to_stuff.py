"""Make stuff maps for HTC's semantic branch from COCO panoptic annotations.

A pixel's value is the category id - 1, as in COCO-stuff's stuffthingmaps, so 183 classes
(num_classes=183 in the semantic head); 255 is unlabelled. With --contiguous the labels
count from 0 without gaps, things first, and the head needs as many classes as are printed.

Example: python tools/datasets/panoptic_to_stuff.py data/coco/annotations/panoptic_val2017.json \
    --panoptic data/coco/annotations/panoptic_val2017 --out data/coco/stuffthingmaps/val2017
"""

from __future__ import annotations

import argparse

from mmvisx.utils.files import write_json


def main(args: list[str] | None = None) -> int:
    """Convert and say how many classes the semantic head needs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('annotations', help='panoptic JSON')
    parser.add_argument('--panoptic', required=True, help='folder of the panoptic PNGs')
    parser.add_argument('--out', required=True, help='folder for the stuff maps')
    parser.add_argument('--contiguous', action='store_true', help='labels 0, 1, 2, ... (own data)')
    parser.add_argument('--labels', help='write the label of each category name to this JSON')
    options = parser.parse_args(args)
    from mmvisx.datasets.panoptic.annotations import STUFF_CLASSES, panoptic_to_stuff

    labels = panoptic_to_stuff(
        options.annotations, options.panoptic, options.out, options.contiguous
    )
    if options.labels is not None:
        write_json(options.labels, labels)
    classes = len(labels) if options.contiguous else STUFF_CLASSES
    print(f'{options.out}: stuff maps for a semantic head with num_classes={classes}')
    return 0
