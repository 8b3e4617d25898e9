"""Train a model."""

from mmvisx.cli.train import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
