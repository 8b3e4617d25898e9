"""Merge detected things and segmented stuff into COCO's panoptic format."""

from mmvisx.cli.panoptic.merge import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
