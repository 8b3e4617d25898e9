"""Draw loss and metric curves of one or more trainings."""

from mmvisx.cli.analysis.plot_log import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
