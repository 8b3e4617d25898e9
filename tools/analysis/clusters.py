"""Draw what a clustering has found, and series of them (000, Figures 3.2 to 3.6)."""

from mmvisx.cli.analysis.clusters import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
