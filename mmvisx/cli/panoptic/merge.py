"""Merge detected things and segmented stuff into COCO's panoptic format.

The panoptic API's rule: detections in the order of their scores, without those of which more
than half is taken already; then stuff where nothing is yet, if there is enough of it. The
detections are COCO results with masks, the stuff is either a JSON of the same kind (no scores
needed) or a folder of label maps named after the images. Things among the stuff are ignored.

Example, with DetectoRS for the things and DeepLabv3+ for the stuff:
    python tools/test.py configs/detectors/htc_rfp_sac.py detectors.pth \
        --cfg-options test_evaluator.outfile_prefix=out/things
    python tools/test.py configs/detectors/deeplabv3plus_r101_320k_coco_stuff.py deeplab.pth \
        --cfg-options test_evaluator.output_dir=out/stuff
    python tools/panoptic/merge.py out/things.segm.json --semantic out/stuff --contiguous \
        --images data/coco/annotations/panoptic_val2017.json --out out/panoptic.json
    python tools/panoptic/evaluate.py out/panoptic.json data/coco/annotations/panoptic_val2017.json
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmvisx.cli.options import build
from mmvisx.utils import UserError


def parse_args(args: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('detections', help='COCO results with masks (JSON)')
    parser.add_argument(
        '--semantic', required=True, help='stuff: a JSON like the first, or a folder of PNGs'
    )
    parser.add_argument('--images', required=True, help='JSON with "images", and all are merged')
    parser.add_argument('--categories', help='JSON of panoptic categories, if --images has none')
    parser.add_argument('--out', required=True, help='panoptic JSON to write')
    parser.add_argument('--out-dir', help='folder for the PNGs; --out without its suffix')
    names = parser.add_mutually_exclusive_group()
    names.add_argument(
        '--contiguous',
        action='store_true',
        help="values of the PNGs: things 0, 1, ..., then stuff; COCO-stuff's by default",
    )
    names.add_argument('--labels', help='JSON: value (or list of values) of each category name')
    parser.add_argument('--score-thr', type=float, default=argparse.SUPPRESS)
    parser.add_argument('--overlap-thr', type=float, default=argparse.SUPPRESS)
    parser.add_argument('--stuff-area-limit', type=int, default=argparse.SUPPRESS)
    return parser.parse_args(args)


def main(args: list[str] | None = None) -> int:
    """Merge and say what was left out."""
    options = parse_args(args)
    from mmvisx.evaluation.panoptic.format import read_json
    from mmvisx.evaluation.panoptic.inputs import (
        MaskResults,
        StuffMaps,
        merge_files,
        read_images,
        stuff_table,
    )
    from mmvisx.evaluation.panoptic.merge import MergeRule

    rule = build(MergeRule, options)
    out = Path(options.out)
    if out.suffix != '.json':
        raise UserError(f'--out {out}: the name must end in .json')
    images, categories = read_images(options.images, options.categories)
    detections = MaskResults(options.detections, images, categories, things=True)
    stuff: MaskResults | StuffMaps
    if Path(options.semantic).is_dir():
        labels = None if options.labels is None else read_json(options.labels, 'label list')
        stuff = StuffMaps(options.semantic, stuff_table(categories, options.contiguous, labels))
        skipped = 0
    elif options.contiguous or options.labels is not None:
        raise UserError(
            f'--semantic {options.semantic} is no folder of label maps, so --contiguous and '
            '--labels have no use: leave them out, or give the folder'
        )
    else:
        stuff = MaskResults(options.semantic, images, categories, things=False)
        skipped = stuff.skipped
    counts = merge_files(
        detections, stuff, images, categories, out, options.out_dir or out.with_suffix(''), rule
    )
    things, segments = counts.pop('things'), counts.pop('stuff')
    counts.update({'stuff among the detections': detections.skipped})
    counts.update({'things among the stuff': skipped})
    left_out = ', '.join(f'{number} {reason}' for reason, number in counts.items() if number)
    print(f'{out}: {len(images)} images, {things} things, {segments} stuff segments')
    if left_out:
        print(f'left out: {left_out}')
    return 0
