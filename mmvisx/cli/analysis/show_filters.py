"""Draw the filters of a network's first convolution.

python tools/analysis/show_filters.py CONFIG CHECKPOINT --out filters.png
"""

import argparse

from mmvisx.cli.options import add_config_argument, add_trust_option


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description='Draw the filters of a convolution')
    add_config_argument(parser)
    parser.add_argument('checkpoint', help='checkpoint file')
    add_trust_option(parser)
    parser.add_argument('--layer', help='backbone.layer1.0.conv1, ...; the first by default')
    parser.add_argument('--columns', type=int, default=8, help='filters in a row')
    parser.add_argument('--scale', type=int, help='pixels of a weight; 8 or, of few filters, more')
    parser.add_argument('--out', default='filters.png', help='the picture')
    args = parser.parse_args()
    import mmcv

    from mmvisx.analysis.filters import Filters
    from mmvisx.apis.build import build_model
    from mmvisx.apis.run import prepare_config

    model = build_model(prepare_config(args.config), args.checkpoint)
    analysis = Filters(args.layer, args.columns, args.scale)
    name, weight, bgr = analysis.measure(model)
    picture = analysis.draw(weight, bgr)
    mmcv.imwrite(picture[..., ::-1], args.out)
    print(f'wrote {args.out}: {name}, {" x ".join(map(str, weight.shape))}')
