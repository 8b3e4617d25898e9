"""Put the multi-person images of Look Into Person into one folder with lists."""

from mmvisx.cli.datasets.lip_to_folders import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
