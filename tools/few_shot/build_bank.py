"""Keep what a classifier's last layer gets for every image of a data set."""

from mmvisx.cli.few_shot.build_bank import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
