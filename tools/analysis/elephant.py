"""Slide an object over an image and count what becomes of the other detections (000, 5.3.1)."""

from mmvisx.cli.analysis.elephant import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
