"""Train the rows of a series with several seeds; one table with mean and spread."""

from mmvisx.cli.run_series import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
