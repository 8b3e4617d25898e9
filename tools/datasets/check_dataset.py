"""Check a data set for faults before training on it; exits with 1 if there are any.

Examples:
    python tools/datasets/check_dataset.py data/coco/annotations/instances_val2017.json \
        --images data/coco/val2017 --stuff data/coco/stuffthingmaps/val2017
    python tools/datasets/check_dataset.py data/VOCdevkit/VOC2012 --split trainval
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mmdet.datasets import VOCDataset

from mmvisx.datasets.checks import check_coco, check_voc, parse_classes
from mmvisx.utils import UserError, run_cli


def main(args: list[str] | None = None) -> int:
    """Print a table of the faults; returns 1 if there are any."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('path', help='COCO instances JSON, or folder of a VOC year')
    parser.add_argument('--images', help='COCO: folder of the images')
    parser.add_argument('--stuff', help='COCO: folder of the stuff maps')
    parser.add_argument('--split', help='VOC: name of an image list (default: all XML files)')
    parser.add_argument('--classes', help='known class names, comma-separated')
    parser.add_argument('--json', dest='report', help='write the report to this file, too')
    options = parser.parse_args(args)
    classes = None if options.classes is None else parse_classes(options.classes)
    if Path(options.path).is_dir():
        known = VOCDataset.METAINFO['classes'] if classes is None else classes
        report = check_voc(options.path, options.split, known)
    elif options.images is None:
        raise UserError(f'{options.path} is no folder, so it is taken for COCO: give --images')
    else:
        report = check_coco(options.path, options.images, options.stuff, classes)
    print(report.table())
    print(f'{report.images} images, {report.objects} objects: {report.faults} faults')
    if options.report is not None:
        Path(options.report).write_text(json.dumps(report.as_dict(), indent=2) + '\n')
    return 1 if report.faults else 0


if __name__ == '__main__':
    run_cli(main)
