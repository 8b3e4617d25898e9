"""Draw one task's learning curves, trained separately and jointly, from a series."""

from mmvisx.cli.analysis.co_training_curves import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
