"""Draw the gap between the highest score and the others (000, Figure 2.4)."""

from mmvisx.cli.analysis.label_smooth_gap import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
