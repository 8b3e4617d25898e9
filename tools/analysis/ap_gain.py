"""Chart the gain in AP of each class from one result file to another (000, Figures 5.7, 5.8)."""

from mmvisx.cli.analysis.ap_gain import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
