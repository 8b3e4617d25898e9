"""Clusters of the pictures of a folder: learnt, or assigned by what was learnt before.

Letters: n pictures, k clusters.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from mmvisx.utils.errors import UserError
from mmvisx.utils.files import write_json
from mmvisx.visualization.embedded_clustering.counts import draw_counts

from .counts import candidates, compare_counts
from .estimator import DeepClustering
from .points import Points
from .results import CHART, MODEL, Assigned, Options, check_free, write_results

__all__ = ['assign_photos', 'cluster_photos']

# A smaller network than the document's, and Adam: a folder has hundreds of pictures, not 70,000.
SETTINGS: dict[str, Any] = dict(
    channels=(256, 256, 512, 10), pair_iters=300, whole_iters=600, interval=40, max_iters=1600
)
# Of fewer pictures an autoencoder that is trained as long knows each by heart; of more, one that is
# trained for less still gives all of them one code.
FEW, SHORT = 500, dict(pair_iters=100, whole_iters=200)

# Iterations of a clustering to compare numbers of clusters, which takes dozens of them.
COMPARED = 400


def cluster_photos(
    points: Points,
    options: Options,
    k: int | None,
    seed: int = 0,
    device: str | None = None,
    on_collapse: str = 'warn',
) -> list[str]:
    """Cluster pictures; return what there is to say about it, line by line.

    Writes the model as soon as it is trained, then the list, the page and the links.

    Args:
        points: The pictures.
        options: What is written, and where.
        k: Number of clusters; by default as many as hold best.
        seed: Of all random numbers.
        device: That is trained on; by default a GPU where there is one.
        on_collapse: About clusters that run empty: ``'warn'``, ``'reseed'`` or ``'stop'``.

    Raises:
        UserError: There are fewer different pictures than clusters, or results are there already.
    """
    check_free(options.out, options.links, trains=True)
    distinct = len(np.unique(points.vectors, axis=0))
    if k is not None and not 2 <= k <= distinct:
        raise UserError(
            f'--k {k}: {len(points.names)} pictures can be read, {distinct} of them different; '
            'from 2 clusters to that many'
        )
    counts = candidates(distinct) if k is None else [k]
    batch_size = min(256, max(32, len(points.vectors) // 8))
    trained = {**SETTINGS, **SHORT} if len(points.vectors) < FEW else SETTINGS
    settings = dict(
        trained, batch_size=batch_size, device=device, on_collapse=on_collapse, verbose=True
    )
    said, warnings, chart = [], [], None
    options.out.mkdir(parents=True, exist_ok=True)
    with _in_silence():
        if k is None:
            fewer = min(SETTINGS['max_iters'], COMPARED)
            quick = dict(settings, max_iters=fewer, verbose=False)
            found = compare_counts(points.vectors, counts, quick, seed)
            k = found.chosen
            said.append(found.said)
            warnings = found.doubt
            write_json(options.out / CHART.replace('.png', '.json'), found.plain())
            chart = draw_counts(
                counts, found.generalizability, found.agreements, found.scores, k,
                options.out / CHART,
            )  # fmt: skip
        model = DeepClustering(k, random_state=seed, **settings).fit(points.vectors)
    model.save(options.out / MODEL, notes=points.kind)
    assigned = _assigned(model, points)
    warnings += _collapsed(assigned.clusters, k)
    return write_results(assigned, options, said, warnings, chart)


def assign_photos(points: Points, options: Options, path: str | Path) -> list[str]:
    """Assign pictures to the clusters of a model that was saved; return what there is to say.

    Raises:
        UserError: The model is of points that were made otherwise, or results are there already.
    """
    check_free(options.out, options.links, trains=False)
    model = DeepClustering.load(path)
    made, size = model.notes_, points.vectors.shape[1]
    if (made and made != points.kind) or model.n_features_in_ != size:
        words = ', '.join(map(str, made.values())) or 'points of another kind'
        raise UserError(
            f'--model {path} is of {words} ({model.n_features_in_} values), these pictures were '
            f'read as {points.said} ({size} values): give the --backbone and --checkpoint, or '
            'none, that it was trained with'
        )
    options.out.mkdir(parents=True, exist_ok=True)
    return write_results(_assigned(model, points), options, [f'Clusters of {path}.'], [])


def _assigned(model: DeepClustering, points: Points) -> Assigned:
    q = model.predict_proba(points.vectors)
    away = model.transform(points.vectors)[:, None] - model.cluster_centers_
    order = np.argsort(-q, axis=1, kind='stable')
    distances = np.linalg.norm(away, axis=2)
    rows = np.arange(len(q))
    return Assigned(points, q, order[:, 0], order[:, 1], distances[rows, order[:, 0]])


def _collapsed(clusters: np.ndarray, k: int) -> list[str]:
    """Return what is wrong with clusters ``(n,)`` that are as good as empty, in plain words."""
    sizes = np.bincount(clusters, minlength=k)
    small = np.flatnonzero(sizes < len(clusters) / k / 100).tolist()
    if not small:
        return []
    left = k - len(small)
    if left == 1:
        return [
            f'All pictures are in cluster {sizes.argmax()}: the others ran empty while training. '
            'The pictures differ too little in what they are compared by: try features of a '
            'trained network (--backbone, --checkpoint), or fewer clusters.'
        ]
    names = ', '.join(map(str, small))
    return [
        f'No picture, or as good as none, is in cluster {names}: of {k} clusters {left} are in '
        f'use, the others ran empty while training. Ask for --k {left}, for --k auto, or give '
        'the empty ones a part of the largest (--on-collapse reseed).'
    ]


@contextmanager
def _in_silence() -> Iterator[None]:
    """Keep what trainings say of every renewal to themselves: the end says what counts."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(io.StringIO()):  # MMEngine prints which checkpoints it loads
            yield
    finally:
        logging.disable(before)
