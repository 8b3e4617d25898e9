"""Cluster the pictures of a folder: a page to look at, a list, and a model for pictures to come."""

from mmvisx.cli.cluster import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
