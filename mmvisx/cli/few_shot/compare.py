"""Compare few-shot methods on banks of activations: accuracy on large and few classes, jointly.

    mmvisx few-shot compare --train banks/large_train --test banks/large_test \\
        --few banks/few_train --few-test banks/few_test \\
        --predictor phi-2=work_dirs/phi2/iter_7500.pth --classifier CONFIG CHECKPOINT \\
        --out table.json

Rows: nearest neighbour, nearest class mean, SimpleShot, logistic regression, the untrained
predictors, those that are given, Learning like a Child if the banks' classifier is given, and the
oracles with all images of the few classes. On banks of a triplet network, nearest neighbour is the
row "Triplet Network" of the document.
"""

from __future__ import annotations

import argparse
import sys

from mmvisx.cli.few_shot.options import add_predictors, named_predictors
from mmvisx.cli.options import add_trust_option


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description='Compare few-shot methods')
    parser.add_argument('--train', required=True, help="bank of the large classes' training images")
    parser.add_argument('--test', required=True, help='bank of their test images')
    parser.add_argument('--few', required=True, help='bank that samples are drawn from')
    parser.add_argument('--few-test', required=True, help='bank of the few test images')
    add_predictors(parser)
    parser.add_argument(
        '--classifier',
        nargs=2,
        metavar=('CONFIG', 'CHECKPOINT'),
        help='that the banks were built with: adds Learning like a Child',
    )
    add_trust_option(parser)
    parser.add_argument('--shots', type=int, nargs='+', default=[1, 2, 3])
    parser.add_argument('--draws', type=int, default=20)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--no-oracles', action='store_true')
    parser.add_argument('--out', help='JSON file for the result of every draw')
    args = parser.parse_args()
    paths = named_predictors(args.predictor)

    from rich.console import Console

    from mmvisx.analysis.few_shot_compare import Banks, FewShotTable
    from mmvisx.analysis.few_shot_rows import predicted
    from mmvisx.apis.few_shot_predictors import child_row, load_predictor
    from mmvisx.datasets import ActivationBank
    from mmvisx.models.layers import ParameterPredictor
    from mmvisx.utils.files import write_json

    banks = Banks(*map(ActivationBank, (args.train, args.test, args.few, args.few_test)))
    rows = {
        f'untrained phi-{k}': predicted(ParameterPredictor(banks.train.channels, k)) for k in (1, 2)
    }
    rows |= {name: predicted(load_predictor(path)) for name, path in paths.items()}
    if args.classifier:
        rows['Learning like a Child'] = child_row(banks.train, *args.classifier)
    console = Console(width=None if sys.stdout.isatty() else 140)
    table = FewShotTable(tuple(args.shots), args.draws, args.seed, not args.no_oracles)
    with console.status('...') as status:
        results = table.measure(banks, rows, status.update)
    console.print(table.draw(results))
    if args.out:
        write_json(args.out, results)
