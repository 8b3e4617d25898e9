"""Render clips with classes, tracks and depth of every pixel."""

from mmvisx.cli.datasets.make_shapes_video import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
