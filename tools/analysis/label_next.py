"""Rank unlabelled images by how far co-trained views are apart on them."""

from mmvisx.cli.analysis.label_next import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
