"""Check a data set for faults before training on it; exits with 1 if there are any."""

from mmvisx.cli.datasets.check_dataset import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
