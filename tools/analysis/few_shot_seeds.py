"""Put the few-shot tables of several seeds together."""

from mmvisx.cli.analysis.few_shot_seeds import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
