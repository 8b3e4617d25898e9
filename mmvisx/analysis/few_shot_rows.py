"""Classifiers of large and few classes made of activations: the rows of Tables 2-I and 2-II.

A *row* is made of what is known and returns a function that scores activations of images
``(Q, d)`` for all classes ``(Q, L + F)``. Letters: L large and F few classes, n samples a few
class, d channels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from mmvisx.models.heads.few_shot_predicted import PredictedHead
from mmvisx.models.layers import ParameterPredictor

__all__ = [
    'Known',
    'Row',
    'Scores',
    'class_mean',
    'few_labels',
    'linear',
    'nearest',
    'predicted',
    'simple_shot',
]

Scores = Callable[[np.ndarray], np.ndarray]
# Queries that are compared with all samples at once.
_CHUNK = 256


class Known(NamedTuple):
    """What a row is made of.

    Attributes:
        activations: Of the large classes' training images, ``(N, d)``.
        labels: Their classes, ``(N,)``.
        means: Mean activations of the large classes, ``(L, d)``.
        support: Samples of the few classes, ``(F, n, d)``.
        seed: Of what a row draws.
        classes: Numbers of the large classes in the classifier, ``(L,)``; ``None``: all, in order.
    """

    activations: np.ndarray
    labels: np.ndarray
    means: np.ndarray
    support: np.ndarray
    seed: int = 0
    classes: np.ndarray | None = None


Row = Callable[[Known], Scores]


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)


def few_labels(known: Known) -> np.ndarray:
    """Return the classes of all samples, ``(F * n,)``, from L."""
    few, shots = known.support.shape[:2]
    return len(known.means) + np.repeat(np.arange(few), shots)


def _sample(known: Known, count: Callable[[int], int]) -> np.ndarray:
    """Draw rows of each large class, ``count(images of the class)`` of them."""
    rng = np.random.default_rng(known.seed)
    parts = (np.flatnonzero(known.labels == k) for k in range(len(known.means)))
    return np.concatenate([rng.choice(p, count(len(p)), replace=False) for p in parts])


def nearest(share: float = 1.0) -> Row:
    """Return the row "NN + cosine": the class of the image with the nearest direction.

    Args:
        share: Of the large classes' images that are compared with, from above 0 to 1.

    Source: 001, section 2.4.1.1 and Table 2-I.
    """

    def row(known: Known) -> Scores:
        rows = _sample(known, lambda n: max(1, round(share * n)))
        few = known.support.reshape(-1, known.support.shape[-1])
        samples = _unit(np.concatenate([known.activations[rows], few]))
        labels = np.concatenate([known.labels[rows], few_labels(known)])
        order = np.argsort(labels, kind='stable')
        starts = np.searchsorted(labels[order], np.arange(labels.max() + 1))

        def score(queries: np.ndarray) -> np.ndarray:
            parts = [
                np.maximum.reduceat(_unit(part) @ samples[order].T, starts, axis=1)
                for part in np.array_split(queries, -(-len(queries) // _CHUNK))
            ]
            return np.concatenate(parts)

        return score

    return row


def class_mean(known: Known) -> Scores:
    """Score by the cosine to each class's mean activation.

    Not in the document.
    """
    means = _unit(np.concatenate([known.means, known.support.mean(axis=1)]))
    return lambda queries: _unit(queries) @ means.T


def simple_shot(known: Known) -> Scores:
    """Score by the distance to each class's mean, of centred activations of unit length.

    Not in the document: Wang et al., SimpleShot (arXiv 1911.04623), CL2N.
    """
    centre = known.activations.mean(axis=0)
    unit = _unit(known.activations - centre)
    large = [unit[known.labels == k].mean(axis=0) for k in range(len(known.means))]
    few = _unit(known.support - centre).mean(axis=1)
    means = np.concatenate([np.stack(large), few])

    def score(queries: np.ndarray) -> np.ndarray:
        x = _unit(queries - centre)
        return 2 * x @ means.T - (means**2).sum(axis=1)  # the square of x is the same for all

    return score


def linear(balanced: bool = True, strength: float = 10.0) -> Row:
    """Return logistic regression on activations of unit length.

    Args:
        balanced: As many images of each large class as there are samples of a few class; else all
            of them (with all images of the few classes as samples: the oracle of Table 2-II).
        strength: scikit-learn's C.

    Source: 001, Table 2-II for the oracle; on the samples alone it is not in the document.
    """

    def row(known: Known) -> Scores:
        few = known.support.reshape(-1, known.support.shape[-1])
        shots = known.support.shape[1]
        rows = _sample(known, lambda n: min(n, shots) if balanced else n)
        model = LogisticRegression(C=strength, max_iter=1000)
        model.fit(
            _unit(np.concatenate([known.activations[rows], few])),
            np.concatenate([known.labels[rows], few_labels(known)]),
        )
        return lambda queries: model.decision_function(_unit(queries))

    return row


def predicted(predictor: ParameterPredictor, few: str = 'max', exact: float | None = None) -> Row:
    """Return the row "Ours": weights predicted from activations.

    Args:
        predictor: The map.
        few: See :class:`mmvisx.PredictedHead`.
        exact: ``p_mean`` for the expectation of Eq. 2.3; ``None``: that of Eq. 2.6.

    Source: 001, section 2.2.2 and Table 2-I.
    """

    @torch.no_grad()
    def row(known: Known) -> Scores:
        config: dict[str, Any] = dict(
            type='mmvisx.ParameterPredictor',
            channels=predictor.channels,
            depth=len(predictor.layers),
        )
        head = PredictedHead(config, len(known.means), few)
        head.predictor.load_state_dict(predictor.state_dict())
        means, activations = (torch.from_numpy(x).float() for x in (known.means, known.activations))
        weights = None
        if exact is not None:
            labels = torch.from_numpy(known.labels)
            own = [
                head.predictor.expected(m, activations[labels == k], exact)
                for k, m in enumerate(means)
            ]
            weights = torch.stack(own)
        head.set_large(means, weights)
        for k, samples in enumerate(known.support):
            head.add_category(str(k), torch.from_numpy(samples).float())
        return lambda queries: head.classify(torch.from_numpy(queries).float()).numpy()

    return row
