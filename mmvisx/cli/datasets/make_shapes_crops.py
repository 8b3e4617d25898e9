"""Render crops of single shapes as class folders, to pretrain a classifier on.

Example: python tools/datasets/make_shapes_crops.py --out data/shapes_crops --train 6000 --val 600
"""

from __future__ import annotations

import argparse


def main() -> None:
    """Parse the command line and render."""
    from mmvisx.datasets.shapes.crops import CropsConfig, write_crops

    parser = argparse.ArgumentParser(description='Render crops of single shapes as class folders')
    default = CropsConfig()
    parser.add_argument('--out', default='data/shapes_crops', help='folder to make')
    parser.add_argument('--train', type=int, default=default.train, help='training images')
    parser.add_argument('--val', type=int, default=default.val, help='validation images')
    parser.add_argument('--size', type=int, default=default.size, help='side in pixels')
    parser.add_argument('--seed', type=int, default=default.seed, help="the renderer's")
    parser.add_argument(
        '--scene-size', type=int, default=default.scene_size, help='side of the rendered images'
    )
    args = parser.parse_args()
    config = CropsConfig(args.train, args.val, args.size, args.seed, args.scene_size)
    write_crops(args.out, config)
    print(f'{args.out}: {config.train} + {config.val} crops')
