"""Draw mean activations and classifier weights side by side (001, Figure 2-2).

python tools/analysis/few_shot_tsne.py CONFIG CHECKPOINT --bank BANK --group Greek='Greek*'
"""

import argparse
from fnmatch import filter as matching

from mmvisx.cli.options import add_config_argument, add_trust_option
from mmvisx.utils import UserError


def main() -> None:
    """Embed and draw."""
    parser = argparse.ArgumentParser(description='Draw mean activations and weights')
    add_config_argument(parser)
    parser.add_argument('checkpoint', help='checkpoint of the classifier')
    parser.add_argument('--bank', required=True, help="bank of the classifier's training images")
    parser.add_argument(
        '--group',
        nargs='+',
        default=[],
        metavar='NAME=PATTERN',
        help='classes to mark: those whose names fit a pattern',
    )
    parser.add_argument('--perplexity', type=float, default=15.0)
    parser.add_argument('--out', default='few_shot_tsne.png', help='the picture')
    add_trust_option(parser)
    args = parser.parse_args()
    from mmvisx.analysis import WeightEmbedding
    from mmvisx.apis.build import build_model
    from mmvisx.apis.few_shot_predictors import last_layer
    from mmvisx.apis.run import prepare_config
    from mmvisx.datasets import ActivationBank

    bank = ActivationBank(args.bank)
    groups = {}
    for text in args.group:
        name, sign, pattern = text.partition('=')
        groups[name] = matching(bank.classes, pattern)
        if not sign or not groups[name]:
            raise UserError(f'--group {text}: give NAME=PATTERN; no class is called {pattern!r}')
    model = build_model(prepare_config(args.config), args.checkpoint)
    analysis = WeightEmbedding(args.perplexity)
    found = analysis.measure(bank.means, last_layer(model).weight.detach().numpy())
    print(f'{100 * found.agreement:.1f} % of the 10 nearest classes are the same in both spaces')
    print(f'wrote {analysis.draw(found, bank.classes, groups, args.out)}')
