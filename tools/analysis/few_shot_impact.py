"""Draw which channels a predictor and a classifier rely on (001, Figure 2-5)."""

from mmvisx.cli.analysis.few_shot_impact import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
