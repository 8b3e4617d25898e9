"""Make stuff maps for HTC's semantic branch from COCO panoptic annotations."""

from mmvisx.cli.datasets.panoptic_to_stuff import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
