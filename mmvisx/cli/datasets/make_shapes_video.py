"""Render clips with classes, tracks and depth: what ViP-DeepLab (001, chapter 7) learns from.

python tools/datasets/make_shapes_video.py --out data/shapes_video
python tools/datasets/make_shapes_video.py --out data/shapes_video_slow --motion 0.05 0.3 \
    --class-colour 0 --stereo --lidar --workers 2
"""

from __future__ import annotations

import argparse
import time

from mmvisx.cli.options import build


def main(args: list[str] | None = None) -> int:
    """Parse the command line and render."""
    parser = argparse.ArgumentParser(description=__doc__, argument_default=argparse.SUPPRESS)
    parser.add_argument('--out', default='data/shapes_video', help='folder to make')
    parser.add_argument('--train', type=int, help='training clips; 48')
    parser.add_argument('--val', type=int, help='validation clips; 12')
    parser.add_argument('--frames', type=int, help='of a clip; 8')
    parser.add_argument(
        '--size', nargs=2, type=int, metavar=('WIDTH', 'HEIGHT'), help='in pixels; 160 96'
    )
    parser.add_argument('--seed', type=int)
    parser.add_argument(
        '--motion',
        nargs=2,
        type=float,
        metavar=('LOW', 'HIGH'),
        help='displacement of the objects in the image per frame, in their widths; 0.1 1.5',
    )
    parser.add_argument(
        '--class-colour', type=float, help="how far colour tells an object's class, 0 to 1; 0.5"
    )
    parser.add_argument(
        '--layout', help='cityscapes (one map of class x 1000 + id) or semkitti (two maps)'
    )
    parser.add_argument('--stereo', action='store_true', help='write right views, too')
    parser.add_argument('--lidar', action='store_true', help='write scans, too')
    parser.add_argument('--workers', type=int, default=1, help='processes; same bytes')
    parser.add_argument(
        '--force', action='store_true', default=False, help='replace other rendered clips'
    )
    options = parser.parse_args(args)
    for name in ('size', 'motion'):
        if name in options:
            setattr(options, name, tuple(getattr(options, name)))
    from mmvisx.datasets.shapes_video.write import ShapesVideoConfig, make_shapes_video

    config = build(ShapesVideoConfig, options)
    start = time.perf_counter()
    if make_shapes_video(options.out, config, options.workers, options.force):
        seconds = time.perf_counter() - start
        print(f'{options.out}: {config.train} + {config.val} clips in {seconds:.1f} s')
    else:
        print(f'{options.out}: the same clips are there already')
    return 0
