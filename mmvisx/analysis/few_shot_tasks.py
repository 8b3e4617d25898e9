"""N-way K-shot tasks on a bank of few classes: Table 2-III."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from rich.table import Table

from mmvisx.datasets.classification.few_shot_bank import ActivationBank
from mmvisx.evaluation.classification.few_shot_episodes import Classify, EpisodeAccuracy
from mmvisx.models.layers import ParameterPredictor
from mmvisx.ops.few_shot import unit_length
from mmvisx.registry import ANALYSES

__all__ = ['FewShotTasks', 'nearest_sample', 'predicted_weights']


@torch.no_grad()
def nearest_sample(support: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Score by the largest cosine to a sample of each class, ``(Q, ways)``.

    Args:
        support: ``(ways, shots, d)``.
        queries: ``(Q, d)``.
    """
    samples, asked = (unit_length(torch.from_numpy(x)) for x in (support, queries))
    return torch.einsum('qd,wsd->qws', asked, samples).amax(dim=2).numpy()


def predicted_weights(predictor: ParameterPredictor) -> Classify:
    """Return how a predictor scores: by the weights of the mean of each class's samples.

    Source: 001, section 2.4.2. The mean with several samples is that of the authors' code.
    """

    @torch.no_grad()
    def classify(support: np.ndarray, queries: np.ndarray) -> np.ndarray:
        weights = predictor(torch.from_numpy(support).mean(dim=1))
        return (torch.from_numpy(queries) @ weights.T).numpy()

    return classify


@ANALYSES.register_module()
class FewShotTasks:
    """Accuracy of methods over tasks of a few classes each, with its 95 % interval.

    Args:
        ways: Classes a task.
        shots: Samples a class, one result each.
        tasks: Number of tasks, the same for all methods.
        seed: Of the draws.

    Source: 001, Table 2-III.
    """

    def __init__(
        self, ways: int = 5, shots: Sequence[int] = (1, 5), tasks: int = 1000, seed: int = 0
    ) -> None:
        self.ways, self.shots, self.tasks, self.seed = ways, shots, tasks, seed

    def measure(
        self, bank: ActivationBank, predictors: Mapping[str, ParameterPredictor] | None = None
    ) -> list[dict[str, Any]]:
        """Return a result for each method and number of samples.

        Args:
            bank: Of the few classes' images.
            predictors: Trained ones by name; the untrained are measured, too.

        Raises:
            UserError: There are fewer classes than ways, or a class has no more images than shots.
        """
        untrained = {f'untrained phi-{k}': ParameterPredictor(bank.channels, k) for k in (1, 2)}
        methods: dict[str, Classify] = {'nearest neighbour': nearest_sample}
        for name, predictor in {**untrained, **(predictors or {})}.items():
            methods[name] = predicted_weights(predictor)
        activations = bank.read(np.arange(len(bank)))
        found = []
        for shots in self.shots:
            accuracy = EpisodeAccuracy(self.ways, shots, self.tasks, self.seed)
            for name, classify in methods.items():
                result = accuracy(activations, bank.labels, classify)
                found.append(dict(row=name, ways=self.ways, shots=shots, **result))
        return found

    def draw(self, results: Sequence[Mapping[str, Any]]) -> Table:
        """Return a table: a row for each method, a column for each number of samples."""
        shots = list(dict.fromkeys(r['shots'] for r in results))
        table = Table('method', *(f'{self.ways}-way {n}-shot (%)' for n in shots))
        for name in dict.fromkeys(r['row'] for r in results):
            own = (r for r in results if r['row'] == name)
            table.add_row(name, *(f'{r["accuracy"]:.2f} ± {r["interval"]:.2f}' for r in own))
        return table
