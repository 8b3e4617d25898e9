"""Tell photographs of nothing that is known, by leaving large classes out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from mmvisx.datasets.classification.few_shot_bank import ActivationBank
from mmvisx.ops.few_shot import certainty
from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError

from .few_shot_rows import Known, Row

__all__ = ['Unknown', 'UnknownResult']


class UnknownResult(NamedTuple):
    """How well unknown images are told.

    Attributes:
        auroc: Probability that a known image is more certain than an unknown one.
        threshold: Certainty that the wanted share of known images reaches.
        refused: Share of unknown images below it.
    """

    auroc: float
    threshold: float
    refused: float


@ANALYSES.register_module()
class Unknown:
    """Find the certainty below which a photograph shows "none of these".

    A share of the large classes is left out in each draw; half of the images of the others is held
    out as known ones. No image of a few class is looked at.

    Args:
        share: Of the large classes that are left out.
        keep: Share of known images that the threshold lets pass.
        draws: Of classes.
        seed: Of the draws.

    Raises:
        UserError: ``share`` or ``keep`` is not between 0 and 1.

    Not in the document.
    """

    def __init__(
        self, share: float = 0.2, keep: float = 0.95, draws: int = 5, seed: int = 0
    ) -> None:
        if not (0 < share < 1 and 0 < keep < 1):
            raise UserError(f'share={share}, keep={keep} of Unknown must lie between 0 and 1')
        self.share, self.keep, self.draws, self.seed = share, keep, draws, seed

    def measure(self, bank: ActivationBank, row: Row) -> UnknownResult:
        """Return how well a row tells them.

        Args:
            bank: Of the large classes' training images.
            row: How classes are scored.
        """
        known: list[np.ndarray] = []
        unknown: list[np.ndarray] = []
        for number in range(self.draws):
            rng = np.random.default_rng((self.seed, number))
            total = len(bank.classes)
            order = rng.permutation(total)
            left = order[: min(max(1, round(self.share * total)), total - 2)]
            kept = np.setdiff1d(order, left)
            halves = [np.array_split(rng.permutation(bank.rows(k)), 2) for k in kept]
            activations = bank.read(np.concatenate([h[0] for h in halves]))
            labels = np.repeat(np.arange(len(kept)), [len(h[0]) for h in halves])
            means = np.stack([activations[labels == k].mean(axis=0) for k in range(len(kept))])
            # A row wants a few class: the last of the large ones, by its mean.
            whole = labels < len(kept) - 1
            few = means[-1:, None]
            score = row(
                Known(activations[whole], labels[whole], means[:-1], few, self.seed, kept[:-1])
            )
            for rows, found in (
                (np.concatenate([h[1] for h in halves]), known),
                (np.concatenate([bank.rows(k) for k in left]), unknown),
            ):
                queries = bank.read(rows)
                scores = torch.from_numpy(score(queries))
                found.append(certainty(scores, torch.from_numpy(queries)).numpy())
        inside, outside = np.concatenate(known), np.concatenate(unknown)
        truth = np.repeat([1, 0], [len(inside), len(outside)])
        threshold = float(np.quantile(inside, 1 - self.keep))
        return UnknownResult(
            float(roc_auc_score(truth, np.concatenate([inside, outside]))),
            threshold,
            float((outside < threshold).mean()),
        )

    def draw(self, result: UnknownResult) -> str:
        """Say the result in a line."""
        return (
            f'AUROC {result.auroc:.3f}; a certainty of {result.threshold:.3f} lets '
            f'{100 * self.keep:.0f} % of known images pass and refuses '
            f'{100 * result.refused:.1f} % of unknown ones'
        )
