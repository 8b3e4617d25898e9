"""Render the embedded data set: textured shapes in COCO and PASCAL VOC layout."""

from mmvisx.cli.datasets.make_shapes import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
