"""Teach a classifier new classes from a few photographs, without training."""

from mmvisx.cli.few_shot.teach import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
