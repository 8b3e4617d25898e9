"""A metric that measures nothing and writes the predictions of every image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.evaluator import BaseMetric, DumpResults

from mmvisx.utils.predictions import write_predictions

__all__ = ['PredictionFile']


class PredictionFile(BaseMetric):
    """Write what MMEngine's ``DumpResults`` collects, as data (``.npz``) in place of a pickle.

    Args:
        dump: Collects the predictions: copies on the CPU, masks as runs.
        path: Of the file (:func:`~mmvisx.utils.predictions.read_predictions`).
    """

    def __init__(self, dump: DumpResults, path: str | Path) -> None:
        super().__init__(collect_device='cpu')
        self.dump = dump
        self.path = Path(path)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Collect a batch."""
        self.dump.process(data_batch, data_samples)
        self.results += self.dump.results
        self.dump.results.clear()

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Write the file; returns no metric."""
        write_predictions(self.path, results)
        return {}
