"""Render crops of single shapes as class folders, to pretrain a classifier on."""

from mmvisx.cli.datasets.make_shapes_crops import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
