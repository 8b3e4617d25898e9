"""Draw the filters of a network's first convolution."""

from mmvisx.cli.analysis.show_filters import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
