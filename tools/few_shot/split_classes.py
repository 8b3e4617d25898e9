"""Part class folders into large classes and few ones."""

from mmvisx.cli.few_shot.split_classes import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
