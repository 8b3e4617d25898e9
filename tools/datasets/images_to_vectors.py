"""Turn a folder of pictures into points for clustering."""

from mmvisx.cli.datasets.images_to_vectors import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
