"""Compare few-shot methods on banks of activations."""

from mmvisx.cli.few_shot.compare import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
