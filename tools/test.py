"""Evaluate a checkpoint with the config's metrics, or an ensemble of several classifiers."""

from mmvisx.cli.test import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
