"""Choose which images of a data set are labelled, as many of each class, by a seed."""

from mmvisx.cli.datasets.split_labels import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
