"""Compare deep embedded clustering with its baselines on points whose classes are known."""

from mmvisx.cli.compare_clusterers import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
