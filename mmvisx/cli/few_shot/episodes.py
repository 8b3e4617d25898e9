"""Measure tasks of a few classes each (5-way, 1- and 5-shot) on a bank.

    mmvisx few-shot episodes --few banks/few --predictor phi-2=work_dirs/phi2/iter_7500.pth

A task draws classes and samples; all other images of these classes are asked for. Printed are means
over tasks with 95 % intervals.
"""

from __future__ import annotations

import argparse

from mmvisx.cli.few_shot.options import add_predictors, named_predictors
from mmvisx.cli.options import add_trust_option


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description='Measure N-way K-shot tasks')
    parser.add_argument('--few', required=True, help='bank of all images of the few classes')
    add_predictors(parser)
    add_trust_option(parser)
    parser.add_argument('--ways', type=int, default=5, help='classes a task')
    parser.add_argument('--shots', type=int, nargs='+', default=[1, 5], help='samples a class')
    parser.add_argument('--tasks', type=int, default=1000)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', help='JSON file for the results')
    args = parser.parse_args()
    paths = named_predictors(args.predictor)

    from rich.console import Console

    from mmvisx.analysis.few_shot_tasks import FewShotTasks
    from mmvisx.apis.few_shot_predictors import load_predictor
    from mmvisx.datasets import ActivationBank
    from mmvisx.utils.files import write_json

    tasks = FewShotTasks(args.ways, tuple(args.shots), args.tasks, args.seed)
    predictors = {name: load_predictor(path) for name, path in paths.items()}
    results = tasks.measure(ActivationBank(args.few), predictors)
    Console().print(tasks.draw(results))
    if args.out:
        write_json(args.out, results)
