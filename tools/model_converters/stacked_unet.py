"""Convert a published ImageNet checkpoint of a Stacked U-Net."""

from mmvisx.cli.model_converters.stacked_unet import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
