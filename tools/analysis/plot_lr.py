"""Draw the learning-rate schedules of one or more configs (000, Figure 2.3a)."""

from mmvisx.cli.analysis.plot_lr import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
