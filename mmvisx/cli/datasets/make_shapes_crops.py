"""Render crops of single shapes as class folders, to pretrain a classifier on.

Example: python tools/datasets/make_shapes_crops.py --out data/shapes_crops --train 6000 --val 600
"""

from __future__ import annotations

import argparse

from mmvisx.cli.options import build


def main() -> None:
    """Parse the command line and render."""
    parser = argparse.ArgumentParser(
        description='Render crops of single shapes as class folders',
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument('--out', default='data/shapes_crops', help='folder to make')
    parser.add_argument('--train', type=int, help='training images; 6000')
    parser.add_argument('--val', type=int, help='validation images; 600')
    parser.add_argument('--size', type=int, help='side in pixels; 64')
    parser.add_argument('--seed', type=int, help="the renderer's; 1")
    parser.add_argument('--scene-size', type=int, help='side of the rendered images; 96')
    args = parser.parse_args()
    from mmvisx.datasets.shapes.crops import CropsConfig, write_crops

    config = build(CropsConfig, args)
    write_crops(args.out, config)
    print(f'{args.out}: {config.train} + {config.val} crops')
