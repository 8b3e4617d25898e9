"""The table of few-shot methods: accuracy on large and few classes among all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.table import Table

from mmvisx.datasets.classification.few_shot_bank import ActivationBank
from mmvisx.evaluation.classification.few_shot_joint import class_ranks, joint_accuracy
from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError

from .few_shot_rows import Known, Row, Scores, class_mean, linear, nearest, simple_shot

__all__ = ['ORACLES', 'ROWS', 'FewShotTable']

ROWS: dict[str, Row] = {
    'NN + cosine, 100 %': nearest(1.0),
    'NN + cosine, 10 %': nearest(0.1),
    'NN + cosine, 1 %': nearest(0.01),
    'nearest class mean': class_mean,
    'SimpleShot': simple_shot,
    'logistic regression': linear(),
}
# With all images of the few classes (Table 2-II).
ORACLES: dict[str, Row] = {'oracle: NN': nearest(1.0), 'oracle: linear': linear(balanced=False)}
COLUMNS = ('large/top1', 'large/top5', 'few/top1', 'few/top5', 'harmonic/top1')


@dataclass
class Banks:
    """The images: training and test ones of large and few classes.

    Raises:
        UserError: They are of different classifiers, or a test bank of other classes.
    """

    train: ActivationBank
    test: ActivationBank
    few: ActivationBank
    few_test: ActivationBank

    def __post_init__(self) -> None:
        widths = {bank.channels for bank in vars(self).values()}
        if len(widths) > 1:
            raise UserError(f'the banks have {sorted(widths)} channels: take those of one network')
        for one, other in ((self.train, self.test), (self.few, self.few_test)):
            if one.classes != other.classes:
                raise UserError(f'{one.folder} and {other.folder} are of other classes')
        shared = sorted(set(self.train.classes) & set(self.few.classes))
        if shared:
            raise UserError(f'{shared[0]!r} is a large class and a few class ({len(shared)} such)')


def _queries(banks: Banks) -> Callable[[Scores], dict[str, float]]:
    """Read the test images; returns how well a row scores them."""
    parts = [
        (bank.read(np.arange(len(bank))), bank.labels + first)
        for bank, first in ((banks.test, 0), (banks.few_test, len(banks.test.classes)))
    ]
    labels = np.concatenate([own for _, own in parts])

    def accuracy(score: Scores) -> dict[str, float]:
        ranks = [class_ranks(score(queries), own) for queries, own in parts]
        return joint_accuracy(np.concatenate(ranks), labels, len(banks.test.classes))

    return accuracy


@ANALYSES.register_module()
class FewShotTable:
    """Accuracy of rows over draws of samples.

    Args:
        shots: Samples a few class, one table each.
        draws: Of the samples.
        seed: Of the draws.
        oracles: Add the rows of Table 2-II.

    Source: 001, Tables 2-I and 2-II.
    """

    def __init__(
        self,
        shots: tuple[int, ...] = (1, 2, 3),
        draws: int = 20,
        seed: int = 0,
        oracles: bool = True,
    ) -> None:
        self.shots, self.draws, self.seed, self.oracles = shots, draws, seed, oracles

    def measure(
        self,
        banks: Banks,
        rows: Mapping[str, Row] | None = None,
        report: Callable[[str], None] = lambda row: None,
    ) -> list[dict[str, Any]]:
        """Return a result for each row, number of shots and draw.

        Args:
            banks: The images.
            rows: Further rows, after :data:`ROWS`.
            report: Told what is done next.

        Raises:
            UserError: A few class has fewer images than shots.
        """
        fewest = min(len(banks.few.rows(k)) for k in range(len(banks.few.classes)))
        if not 1 <= min(self.shots) <= max(self.shots) <= fewest:
            raise UserError(
                f'shots={self.shots}: the few classes of {banks.few.folder} have {fewest} images '
                'at least'
            )
        everything = {**ROWS, **(rows or {})}
        large = banks.train.read(np.arange(len(banks.train)))
        pools = [banks.few.rows(k) for k in range(len(banks.few.classes))]
        asked = _queries(banks)
        found = []
        for shots in self.shots:
            for draw in range(self.draws):
                rng = np.random.default_rng((self.seed, shots, draw))
                chosen = [rng.permutation(pool)[:shots] for pool in pools]
                known = self._known(banks, large, np.stack(chosen), draw)
                for name, row in everything.items():
                    report(f'{name}, {shots} shots, draw {draw}')
                    found.append(dict(row=name, shots=shots, draw=draw, **asked(row(known))))
        if self.oracles:
            known = self._known(banks, large, np.stack([pool[:fewest] for pool in pools]), 0)
            for name, row in ORACLES.items():
                report(name)
                found.append(dict(row=name, shots=fewest, draw=0, **asked(row(known))))
        return found

    def _known(self, banks: Banks, large: np.ndarray, rows: np.ndarray, draw: int) -> Known:
        support = banks.few.read(rows.ravel()).reshape(*rows.shape, -1)
        return Known(large, banks.train.labels, banks.train.means, support, self.seed + draw)

    def draw(self, results: list[dict[str, Any]]) -> Table:
        """Return a table of means and standard deviations over draws."""
        table = Table('row', 'shots', *COLUMNS)
        for shown in table.columns:
            shown.no_wrap = True
        keys = dict.fromkeys((r['shots'], r['row']) for r in results)
        for shots, name in keys:
            own = [r for r in results if (r['shots'], r['row']) == (shots, name)]
            cells = []
            for column in COLUMNS:
                values = [r[column] for r in own]
                spread = f' ± {np.std(values, ddof=1):.2f}' if len(values) > 1 else ''
                cells.append(f'{np.mean(values):.2f}{spread}')
            table.add_row(name, str(shots), *cells)
        return table
