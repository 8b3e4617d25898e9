"""Print parameters and multiply-adds of a network.

python tools/analysis/get_flops.py configs/detectors/htc_rfp_sac.py
python tools/analysis/get_flops.py CONFIG --checkpoint PRUNED_OR_REJUVENATED
"""

import argparse

from mmvisx.cli.options import add_config_argument, add_config_options, add_trust_option
from mmvisx.utils import UserError


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description='Parameters and multiply-adds of a network')
    add_config_argument(parser)
    parser.add_argument(
        '--shape',
        type=int,
        nargs='+',
        metavar='N',
        help="image height and width in pixels, or one number for both; by default the recipe's",
    )
    parser.add_argument(
        '--checkpoint', help='count its network, which may have other widths than the config says'
    )
    add_trust_option(parser)
    add_config_options(parser)
    args = parser.parse_args()
    if args.shape and (len(args.shape) > 2 or min(args.shape) < 32):
        raise UserError(f'--shape {args.shape}: give height and width, 32 pixels or more')
    from mmvisx.analysis.flops import MultiplyAdds
    from mmvisx.apis.build import build_model
    from mmvisx.apis.input_shape import input_shape
    from mmvisx.apis.run import prepare_config

    cfg = prepare_config(args.config, options=args.cfg_options)
    shape = (args.shape[0], args.shape[-1]) if args.shape else input_shape(cfg)
    analysis = MultiplyAdds()
    result = analysis.measure(build_model(cfg, args.checkpoint), shape)
    print(f'{args.config}, one image of {shape[0]} x {shape[1]} pixels')
    print(analysis.draw(result))
    print('A multiply-add is what OpenMMLab calls a FLOP. Not counted: normalisation,')
    print('activations, pooling, RoIAlign, NMS and the sampling of deformable convolutions.')
