"""Draw which channels a predictor and a classifier rely on (001, Figure 2-5).

    python tools/analysis/few_shot_impact.py CONFIG CHECKPOINT phi1.pth --out impact.png

The predictor has one layer; the classifier is the one whose activations it was trained on.
"""

import argparse

from mmvisx.cli.options import add_config_argument, add_trust_option
from mmvisx.utils import UserError


def main() -> None:
    """Measure and draw."""
    parser = argparse.ArgumentParser(description='Draw the impact of channels')
    add_config_argument(parser)
    parser.add_argument('checkpoint', help='checkpoint of the classifier')
    parser.add_argument('predictor', help="checkpoint of a predictor's training")
    parser.add_argument('--out', default='few_shot_impact.png', help='the picture')
    add_trust_option(parser)
    args = parser.parse_args()
    from mmvisx.analysis import Impact
    from mmvisx.apis.build import build_model
    from mmvisx.apis.few_shot_predictors import last_layer, load_predictor
    from mmvisx.apis.run import prepare_config

    predictor = load_predictor(args.predictor)
    if len(predictor.layers) != 1:
        raise UserError(
            f'{args.predictor} has {len(predictor.layers)} layers; the figure is of one'
        )
    model = build_model(prepare_config(args.config), args.checkpoint)
    analysis = Impact()
    (matrix,) = (p for p in predictor.parameters() if p.ndim == 2)
    result = analysis.measure(matrix, last_layer(model).weight)
    diagonal = result.matrix.diagonal()
    print(f'diagonal {diagonal.min():.3f} to {diagonal.max():.3f}')
    for share in (0.05, 0.1, 0.25):
        k = max(1, round(share * len(result.overlap)))
        print(
            f'top {k}: overlap {result.overlap[k - 1]:.2f}, by chance {k / len(result.overlap):.2f}'
        )
    print(f'wrote {analysis.draw(result, args.out)}')
