"""Count the channels of a trained network that collapsed into each other (001, section 4.4)."""

from mmvisx.cli.analysis.collapsed_channels import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
