"""Agreement with classes and generalizability over the number of clusters (000, Figure 3.6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from mmvisx.evaluation.clustering import generalizability, normalized_mutual_information
from mmvisx.registry import ANALYSES
from mmvisx.visualization.embedded_clustering.charts import draw_numbers

from .points import AssignedPoints

__all__ = ['ClusterNumbers', 'OfNumber']


class OfNumber(NamedTuple):
    """Trainings with one number of clusters.

    Attributes:
        k: The number.
        g: Generalizability of each training.
        nmi: Normalized mutual information of the training points of each; none without labels.
    """

    k: int
    g: list[float]
    nmi: list[float]


@ANALYSES.register_module()
class ClusterNumbers:
    """NMI and G over k.

    Args:
        train_frequencies: Of :func:`mmvisx.evaluation.clustering.generalizability`.

    Source: 000, Figure 3.6 and section 3.5.5.
    """

    def __init__(self, train_frequencies: bool = False) -> None:
        self.train_frequencies = train_frequencies

    def measure(self, runs: Iterable[tuple[AssignedPoints, AssignedPoints]]) -> list[OfNumber]:
        """Return the values of each k, in rising order.

        Args:
            runs: Of each training the points it learnt from and those held out.

        Raises:
            UserError: G of a training is not defined.
        """
        found: dict[int, OfNumber] = {}
        for train, held_out in runs:
            of_number = found.setdefault(k := train.q.shape[1], OfNumber(k, [], []))
            q, other = train.q.cpu().numpy(), held_out.q.cpu().numpy()
            of_number.g.append(generalizability(q, other, self.train_frequencies))
            if train.labels is not None:
                nmi = normalized_mutual_information(train.labels, train.clusters)
                of_number.nmi.append(nmi)
        return [found[k] for k in sorted(found)]

    def draw(self, numbers: Sequence[OfNumber], out: str | Path) -> Path:
        """Draw G and, where there are labels, NMI; the suffix of ``out`` gives the format.

        Raises:
            UserError: The suffix is unknown.
        """
        ks = [number.k for number in numbers]
        curves = {'generalizability G (training loss / held-out loss)': [n.g for n in numbers]}
        if all(number.nmi for number in numbers):
            curves['normalized mutual information (0 to 1)'] = [n.nmi for n in numbers]
        return draw_numbers(ks, curves, out)
