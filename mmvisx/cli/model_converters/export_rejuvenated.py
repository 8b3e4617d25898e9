"""Write a rejuvenated network without its dead channels, with standard layers.

python tools/model_converters/export_rejuvenated.py CONFIG CHECKPOINT --out plain.pth
python tools/model_converters/export_rejuvenated.py CONFIG CHECKPOINT --out plain.pth \
    --shape 3 224 224 --program plain.pt2
"""

import argparse

from mmvisx.cli.options import add_config_argument, add_config_options, add_trust_option
from mmvisx.utils import UserError


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Write a rejuvenated network as a plain one')
    add_config_argument(parser, help='config file or name of a recipe; it needs no hook')
    parser.add_argument('checkpoint', help='checkpoint file')
    add_trust_option(parser)
    parser.add_argument('--out', required=True, help='the .pth file to write')
    parser.add_argument(
        '--shape',
        type=int,
        nargs=3,
        default=[3, 32, 32],
        metavar=('C', 'H', 'W'),
        help='shape of the images that both networks are compared on',
    )
    parser.add_argument(
        '--keep-dead', action='store_true', help='leave dead neurons in: the very same output'
    )
    parser.add_argument('--program', help='write a PyTorch program, too (.pt2)')
    add_config_options(parser)
    return parser.parse_args()


def main() -> None:
    """Export and compare."""
    args = parse_args()
    if min(args.shape) < 1:
        raise UserError(f'--shape {args.shape}: give channels, height and width, 1 or more')
    from mmvisx.apis.export.neural_rejuvenation import export_program, export_rejuvenated
    from mmvisx.apis.run import prepare_config

    cfg = prepare_config(args.config, options=args.cfg_options)
    found = export_rejuvenated(cfg, args.checkpoint, args.out, args.shape, args.keep_dead)
    if args.program:
        export_program(found['plain'], args.program, args.shape)
    print(
        f'{args.out}: {found["weights"]:,} of {found["weights_before"]:,} convolution weights; '
        f'largest difference of the outputs {found["difference"]:.2g} of the largest output'
    )
