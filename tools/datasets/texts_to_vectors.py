"""Turn texts into points for clustering: tf-idf of the most frequent stems, as a sparse matrix."""

from mmvisx.cli.datasets.texts_to_vectors import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
