"""Panoptic quality (PQ, SQ, RQ; of things and of stuff; per class) of a panoptic prediction."""

from mmvisx.cli.panoptic.evaluate import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
