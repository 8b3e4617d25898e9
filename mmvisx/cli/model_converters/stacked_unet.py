"""Convert a published ImageNet checkpoint of a Stacked U-Net.

python tools/model_converters/stacked_unet.py checkpoint_64_2441_residual.pth.tar --out sunet64.pth
"""

import argparse

from mmvisx.cli.options import add_trust_option


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Convert a published ImageNet checkpoint of a Stacked U-Net'
    )
    parser.add_argument('checkpoint', help='the published file')
    add_trust_option(parser)
    parser.add_argument('--out', required=True, help='the .pth file to write')
    return parser.parse_args()


def main() -> None:
    """Convert and say what it is."""
    args = parse_args()
    from mmvisx.apis.export.stacked_unet import convert_stacked_unet

    arch = convert_stacked_unet(args.checkpoint, args.out)
    print(
        f"{args.out}: a classifier with arch='{arch}'; for a segmentor or detector "
        f"model.backbone.init_cfg=dict(type='Pretrained', checkpoint='{args.out}', "
        "prefix='backbone.')"
    )
