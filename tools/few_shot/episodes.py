"""Measure N-way K-shot tasks on a bank of activations."""

from mmvisx.cli.few_shot.episodes import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
