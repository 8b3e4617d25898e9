"""Mean activations and classifier weights side by side (001, Figure 2-2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors

from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError
from mmvisx.visualization.figure import new_figure, save_figure

__all__ = ['Embedding', 'WeightEmbedding']

MARKERS = 'o^Ds*vP'


class Embedding(NamedTuple):
    """Where the classes lie.

    Attributes:
        means: Of activations, ``(K, 2)``.
        weights: Of the classifier, ``(K, 2)``.
        agreement: Share of a class's 10 nearest classes that are the same in both spaces, by
            cosine; before the embedding.
    """

    means: np.ndarray
    weights: np.ndarray
    agreement: float


@ANALYSES.register_module()
class WeightEmbedding:
    """Embed mean activations and weights of the same classes with t-SNE.

    Args:
        perplexity: Of t-SNE.
        seed: Of t-SNE.

    Source: 001, Figure 2-2. The agreement in numbers is ours.
    """

    def __init__(self, perplexity: float = 15.0, seed: int = 0) -> None:
        self.perplexity, self.seed = perplexity, seed

    def measure(self, means: np.ndarray, weights: np.ndarray) -> Embedding:
        """Return both embeddings.

        Args:
            means: Mean activations, ``(K, d)``.
            weights: Of the classifier, ``(K, d)``.

        Raises:
            UserError: The shapes differ, or there are too few classes for the perplexity.
        """
        if means.shape != weights.shape:
            raise UserError(f'means {means.shape} and weights {weights.shape} differ in shape')
        if len(means) <= self.perplexity:
            raise UserError(
                f'{len(means)} classes are too few for perplexity={self.perplexity}: choose less'
            )
        count = min(10, len(means) - 1)
        near = [
            NearestNeighbors(n_neighbors=count, metric='cosine').fit(x).kneighbors()[1]
            for x in (means, weights)
        ]
        shared = [len(set(a) & set(b)) / count for a, b in zip(*near, strict=True)]
        means, weights = (
            TSNE(
                perplexity=self.perplexity, metric='cosine', init='random', random_state=self.seed
            ).fit_transform(x)
            for x in (means, weights)
        )
        return Embedding(means, weights, float(np.mean(shared)))

    def draw(
        self,
        embedding: Embedding,
        classes: Sequence[str],
        groups: Mapping[str, Sequence[str]],
        out: str | Path,
    ) -> Path:
        """Draw both, the classes of each group in a colour and a shape of their own.

        Args:
            embedding: Of :meth:`measure`.
            classes: K names.
            groups: Names of classes, by group.
            out: The picture.

        Raises:
            UserError: A group names a class that is not there.
        """
        figure, axes = new_figure(2)
        places = {name: k for k, name in enumerate(classes)}
        for axis, points, title in zip(
            axes,
            (embedding.means, embedding.weights),
            ('mean activations', 'weights of the classifier'),
            strict=True,
        ):
            axis.scatter(*points.T, s=8, color='0.8')
            for number, (group, names) in enumerate(groups.items()):
                unknown = [name for name in names if name not in places]
                if unknown:
                    raise UserError(f'group {group!r} names no class: {unknown[0]!r}')
                own = points[[places[name] for name in names]]
                axis.scatter(*own.T, s=24, marker=MARKERS[number % len(MARKERS)], label=group)
            axis.set_title(f'{title} (t-SNE)', fontsize=9)
            axis.set_xticks([])
            axis.set_yticks([])
        if groups:
            axes[0].legend(fontsize=8)
        return save_figure(figure, out)
