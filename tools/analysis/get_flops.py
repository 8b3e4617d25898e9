"""Print parameters and multiply-adds of a network."""

from mmvisx.cli.analysis.get_flops import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
