"""Draw how an offset of the few classes trades accuracy on large ones for accuracy on few ones.

    mmvisx analyse few-shot-balance --bank banks/large_train \\
        --predictor phi-2=work_dirs/phi2/iter_12500.pth --out balance.png

Large classes are treated as few ones: no image of a real few class is looked at.
"""

import argparse

from mmvisx.cli.few_shot.options import add_predictors, named_predictors
from mmvisx.cli.options import add_trust_option


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description='Draw the trade-off between large and few classes')
    parser.add_argument('--bank', required=True, help="bank of the large classes' training images")
    add_predictors(parser)
    parser.add_argument('--shots', type=int, default=1, help='samples a class')
    parser.add_argument('--draws', type=int, default=5)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', default='few_shot_balance.png', help='the picture')
    add_trust_option(parser)
    args = parser.parse_args()
    paths = named_predictors(args.predictor)

    from mmvisx.analysis import Balance
    from mmvisx.analysis.few_shot_rows import predicted
    from mmvisx.apis.few_shot_predictors import load_predictor
    from mmvisx.datasets import ActivationBank
    from mmvisx.models.layers import ParameterPredictor

    bank = ActivationBank(args.bank)
    predictors = {'untrained': ParameterPredictor(bank.channels)}
    predictors |= {name: load_predictor(path) for name, path in paths.items()}
    analysis = Balance(shots=args.shots, draws=args.draws, seed=args.seed)
    curves = {name: analysis.measure(bank, predicted(phi)) for name, phi in predictors.items()}
    for name, curve in curves.items():
        none, best = (int(abs(curve.offsets - at).argmin()) for at in (0, curve.best))
        print(
            f'{name}: offset {curve.best:+.3f}; large / few (%) '
            f'{curve.large[none]:.1f} / {curve.few[none]:.1f} without it, '
            f'{curve.large[best]:.1f} / {curve.few[best]:.1f} with it'
        )
    print(f'wrote {analysis.draw(curves, args.out)}')
