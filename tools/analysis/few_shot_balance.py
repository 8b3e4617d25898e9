"""Draw how an offset of the few classes trades accuracy on large ones for accuracy on few ones."""

from mmvisx.cli.analysis.few_shot_balance import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
