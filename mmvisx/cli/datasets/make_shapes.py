"""Render the embedded data set: textured shapes in COCO and PASCAL VOC layout.

python tools/datasets/make_shapes.py --out data/shapes --train 400 --val 100
python tools/datasets/make_shapes.py --out data/shapes_context --train 3000 --val 1000 \
    --sizes 0.06 0.9 --visibility 0.25 --context --workers 4
"""

from __future__ import annotations

import argparse
import time

from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes


def main(args: list[str] | None = None) -> int:
    """Parse the command line and render."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = ShapesConfig()
    parser.add_argument('--out', default='data/shapes', help='folder to make')
    parser.add_argument('--train', type=int, default=default.train, help='training images')
    parser.add_argument('--val', type=int, default=default.val, help='validation images')
    parser.add_argument('--size', type=int, default=default.size, help='side in pixels')
    parser.add_argument('--min-objects', type=int, default=default.min_objects)
    parser.add_argument('--max-objects', type=int, default=default.max_objects)
    parser.add_argument('--seed', type=int, default=default.seed)
    parser.add_argument(
        '--parts', action='store_true', help='write maps of parts, too: VOC2012/SegmentationPart'
    )
    parser.add_argument(
        '--sizes',
        nargs=2,
        type=float,
        default=default.sizes,
        metavar=('LOW', 'HIGH'),
        help='diameters of the objects, in sides of the image',
    )
    parser.add_argument(
        '--visibility',
        type=float,
        default=default.visibility,
        help='at least this share of every object can be seen',
    )
    parser.add_argument(
        '--context',
        action='store_true',
        help='the class depends on the stuff around the object, too',
    )
    parser.add_argument('--workers', type=int, default=1, help='processes; same bytes')
    parser.add_argument('--force', action='store_true', help='replace another shapes data set')
    options = parser.parse_args(args)
    config = ShapesConfig(
        options.train,
        options.val,
        options.size,
        options.min_objects,
        options.max_objects,
        options.seed,
        options.parts,
        tuple(options.sizes),
        options.visibility,
        options.context,
    )
    start = time.perf_counter()
    if make_shapes(options.out, config, options.workers, options.force):
        seconds = time.perf_counter() - start
        print(f'{options.out}: {config.train} + {config.val} images in {seconds:.1f} s')
    else:
        print(f'{options.out}: the same data set is there already')
    return 0
