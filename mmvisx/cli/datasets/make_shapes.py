"""Render the embedded data set: textured shapes in COCO and PASCAL VOC layout.

python tools/datasets/make_shapes.py --out data/shapes --train 400 --val 100
python tools/datasets/make_shapes.py --out data/shapes_context --train 3000 --val 1000 \
    --sizes 0.06 0.9 --visibility 0.25 --context --workers 4
"""

from __future__ import annotations

import argparse
import time

from mmvisx.cli.options import build


def main(args: list[str] | None = None) -> int:
    """Parse the command line and render."""
    parser = argparse.ArgumentParser(description=__doc__, argument_default=argparse.SUPPRESS)
    parser.add_argument('--out', default='data/shapes', help='folder to make')
    parser.add_argument('--train', type=int, help='training images; 400')
    parser.add_argument('--val', type=int, help='validation images; 100')
    parser.add_argument('--size', type=int, help='side in pixels; 128')
    parser.add_argument('--min-objects', type=int, help='in an image; 2')
    parser.add_argument('--max-objects', type=int, help='in an image; 6')
    parser.add_argument('--seed', type=int)
    parser.add_argument(
        '--parts', action='store_true', help='write maps of parts, too: VOC2012/SegmentationPart'
    )
    parser.add_argument(
        '--sizes',
        nargs=2,
        type=float,
        metavar=('LOW', 'HIGH'),
        help='diameters of the objects, in sides of the image',
    )
    parser.add_argument(
        '--visibility',
        type=float,
        help='at least this share of every object can be seen',
    )
    parser.add_argument(
        '--context',
        action='store_true',
        help='the class depends on the stuff around the object, too',
    )
    parser.add_argument('--workers', type=int, default=1, help='processes; same bytes')
    parser.add_argument(
        '--force', action='store_true', default=False, help='replace another shapes data set'
    )
    options = parser.parse_args(args)
    if 'sizes' in options:
        options.sizes = tuple(options.sizes)
    from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes

    config = build(ShapesConfig, options)
    start = time.perf_counter()
    if make_shapes(options.out, config, options.workers, options.force):
        seconds = time.perf_counter() - start
        print(f'{options.out}: {config.train} + {config.val} images in {seconds:.1f} s')
    else:
        print(f'{options.out}: the same data set is there already')
    return 0
