"""Which unlabelled images co-trained views disagree on most: those worth labelling next.

Letters: N images, n views, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.special import entr

from mmvisx.registry import ANALYSES
from mmvisx.visualization.figure import new_figure, save_figure

__all__ = ['Disputed', 'LabelNext', 'view_divergence']

COLUMNS = 8


def view_divergence(probabilities: np.ndarray) -> np.ndarray:
    """Return the Jensen-Shannon divergence among the views for each image, ``(N,)`` in nats.

    The entropy of the mean less the mean of the entropies: 0 where all views say the same, at most
    ln n. For two views it is Eq. 3.4.

    Args:
        probabilities: ``(N, n, K)``, or of pixels ``(N, n, K, H, W)``, whose mean is taken.

    Source: 001, Eq. 3.4, for n views.
    """
    exact = probabilities.astype(np.float64)
    among = entr(exact.mean(axis=1)).sum(axis=1) - entr(exact).sum(axis=2).mean(axis=1)
    return among.reshape(len(among), -1).mean(axis=1).clip(min=0)


class Disputed(NamedTuple):
    """An image and how far the views are apart on it.

    Attributes:
        place: Where it stood in what was measured.
        name: Of the image.
        divergence: In nats.
        classes: What each view takes it for; nothing of label maps.
    """

    place: int
    name: str
    divergence: float
    classes: tuple[int, ...] = ()


@ANALYSES.register_module()
class LabelNext:
    """Rank images by the divergence of co-trained views.

    Source: not in 001: query by committee (Seung, Opper and Sompolinsky, 1992), with the views of
    Deep Co-Training as the committee and Eq. 3.4 as their disagreement.
    """

    @torch.no_grad()
    def measure(self, model: Any, loader: Iterable, names: Sequence[str]) -> list[Disputed]:
        """Return all images, the most disputed first; of equal ones by their names.

        Args:
            model: A co-trained one, in eval mode.
            loader: Of batches of the images, in the order of their names.
            names: Of the N images.
        """
        found: list[Disputed] = []
        for batch in loader:
            inputs = model.data_preprocessor(batch, False)['inputs']
            said = model.probabilities(inputs).cpu().numpy()
            classes = said.argmax(axis=2).tolist() if said.ndim == 3 else [()] * len(said)
            for divergence, each in zip(view_divergence(said), classes, strict=True):
                place = len(found)
                found.append(Disputed(place, names[place], float(divergence), tuple(each)))
        return sorted(found, key=lambda image: (-image.divergence, image.name))

    def draw(
        self,
        images: Sequence[Disputed],
        pictures: Sequence[np.ndarray],
        classes: Sequence[str] | None,
        out: str | Path,
    ) -> Path:
        """Draw a page of thumbnails, each with its rank, divergence and what the views say.

        Args:
            images: In their order.
            pictures: Theirs, RGB ``(H, W, 3)``.
            classes: K names.
            out: The picture.
        """
        rows = math.ceil(len(images) / COLUMNS)
        figure, _ = new_figure(1, 1.5 * COLUMNS, 1.85 * rows)
        figure.clear()
        axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
        for axis in axes:
            axis.axis('off')
        for rank, (axis, image, picture) in enumerate(
            zip(axes, images, pictures, strict=False), start=1
        ):
            axis.imshow(picture, interpolation='nearest')
            said = ' / '.join(str(classes[k]) if classes else str(k) for k in image.classes)
            axis.set_title(f'{rank}: {image.divergence:.3f} nats\n{said}', fontsize=8)
        return save_figure(figure, out)
