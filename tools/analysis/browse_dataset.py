"""Draw training samples after the pipeline into PNG files: boxes, masks or images with a class."""

from mmvisx.cli.analysis.browse_dataset import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
