"""How an offset trades accuracy on large classes for accuracy on few ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmvisx.datasets.classification.few_shot_bank import ActivationBank
from mmvisx.evaluation.classification.few_shot_joint import class_ranks, joint_accuracy
from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError
from mmvisx.visualization.figure import new_figure, save_figure

from .few_shot_rows import Known, Row

__all__ = ['Balance', 'BalanceCurve', 'trade_off']

OFFSETS = tuple(np.linspace(-0.3, 0.3, 61).round(3).tolist())


class BalanceCurve(NamedTuple):
    """Accuracy in percent at each offset, mean over draws.

    Attributes:
        offsets: In units of cosine similarity, ``(T,)``.
        large: ``(T,)``.
        few: ``(T,)``.
    """

    offsets: np.ndarray
    large: np.ndarray
    few: np.ndarray

    @property
    def harmonic(self) -> np.ndarray:
        """Harmonic mean of both accuracies, ``(T,)``."""
        return 2 * self.large * self.few / np.maximum(self.large + self.few, 1e-12)

    @property
    def best(self) -> float:
        """The offset with the largest harmonic mean of both accuracies."""
        return float(self.offsets[self.harmonic.argmax()])


def trade_off(
    scores: np.ndarray,
    lengths: np.ndarray,
    labels: np.ndarray,
    num_large: int,
    offsets: Sequence[float] = OFFSETS,
) -> BalanceCurve:
    """Return the accuracies that an offset of the few classes gives.

    Args:
        scores: Logits without offset, ``(N, L + F)``.
        lengths: Of the images' activations, ``(N,)``.
        labels: ``(N,)``.
        num_large: L.
        offsets: In units of cosine similarity.
    """
    rates = []
    for offset in offsets:
        moved = scores.copy()
        moved[:, num_large:] += offset * lengths[:, None]
        found = joint_accuracy(class_ranks(moved, labels), labels, num_large, (1,))
        rates.append((found['large/top1'], found['few/top1']))
    large, few = np.array(rates).T
    return BalanceCurve(np.array(offsets), large, few)


@ANALYSES.register_module()
class Balance:
    """Choose the offset of the few classes on large classes that are treated as few ones.

    In each draw some large classes keep ``shots`` samples only, and half of the images of every
    class is held out to be classified. No image of a real few class is looked at.

    Args:
        pseudo: Share of the large classes that are treated as few ones.
        shots: Samples of each.
        draws: Of classes and samples.
        seed: Of the draws.
        offsets: In units of cosine similarity.

    Raises:
        UserError: ``pseudo`` leaves no class of one kind.

    Not in the document.
    """

    def __init__(
        self,
        pseudo: float = 0.2,
        shots: int = 1,
        draws: int = 5,
        seed: int = 0,
        offsets: Sequence[float] = OFFSETS,
    ) -> None:
        if not 0 < pseudo < 1:
            raise UserError(f'pseudo={pseudo} of Balance is a share: above 0 and below 1')
        self.pseudo, self.shots, self.draws, self.seed = pseudo, shots, draws, seed
        self.offsets = offsets

    def measure(self, bank: ActivationBank, row: Row) -> BalanceCurve:
        """Return the curve of a row, by its mean over draws.

        Args:
            bank: Of the large classes' training images.
            row: How classes are scored.

        Raises:
            UserError: A class has too few images to draw samples and to hold some out.
        """
        counts = [len(bank.rows(k)) for k in range(len(bank.classes))]
        if min(counts) // 2 < self.shots or min(counts) < 2:
            raise UserError(
                f'class {bank.classes[int(np.argmin(counts))]!r} of {bank.folder} has '
                f'{min(counts)} images: half of them are held out, and {self.shots} samples drawn'
            )
        curves = [self._draw(bank, row, i) for i in range(self.draws)]
        return BalanceCurve(
            curves[0].offsets,
            np.mean([c.large for c in curves], axis=0),
            np.mean([c.few for c in curves], axis=0),
        )

    def _draw(self, bank: ActivationBank, row: Row, number: int) -> BalanceCurve:
        rng = np.random.default_rng((self.seed, number))
        total = len(bank.classes)
        order = rng.permutation(total)
        few = order[: min(max(1, round(self.pseudo * total)), total - 1)]
        large = np.setdiff1d(order, few)
        halves = {k: np.array_split(rng.permutation(bank.rows(k)), 2) for k in range(total)}
        train = np.concatenate([halves[k][0] for k in large])
        renumbered = np.empty(total, np.int64)
        renumbered[np.concatenate([large, few])] = np.arange(total)
        activations, labels = bank.read(train), renumbered[bank.labels[train]]
        means = np.stack([activations[labels == k].mean(axis=0) for k in range(len(large))])
        samples = np.stack([bank.read(halves[k][0][: self.shots]) for k in few])
        score = row(Known(activations, labels, means, samples, self.seed, large))
        held = np.concatenate([halves[k][1] for k in range(total)])
        queries = bank.read(held)
        lengths = np.linalg.norm(queries, axis=1)
        truth = renumbered[bank.labels[held]]
        return trade_off(score(queries), lengths, truth, len(large), self.offsets)

    def draw(self, curves: dict[str, BalanceCurve], out: str | Path) -> Path:
        """Draw curves of several rows, accuracy on few classes over that on large ones."""
        figure, (axis,) = new_figure(1)
        for name, curve in curves.items():
            (line,) = axis.plot(curve.large, curve.few, label=name)
            place = int(np.abs(curve.offsets).argmin())
            axis.plot(curve.large[place], curve.few[place], 'o', color=line.get_color())
        axis.set_xlabel('top-1 on large classes (%)')
        axis.set_ylabel('top-1 on few classes (%)')
        axis.set_title('an offset moves along the curve; dots: none', fontsize=9)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
        return save_figure(figure, out)
