"""Contract cases of embedded_clustering."""

import numpy as np
import torch

from tests.contract.case import DatasetCase, HookCase, MetricCase, ModelCase, SchedulerCase


def vectors(folder):
    """Five points of three values in a file, of two classes."""
    np.save(folder / 'points.npy', np.arange(15.0).reshape(5, 3))
    (folder / 'labels.txt').write_text('cat\ndog\ncat\ncat\ndog\n')
    return dict(data=str(folder / 'points.npy'), labels=str(folder / 'labels.txt'))


DATASETS = {
    'VectorDataset': DatasetCase(vectors, 5, ('cat', 'dog')),
    # All points of the last class are kept, and with r_min = 1 those of the first
    'ImbalancedVectors': DatasetCase(lambda f: dict(vectors(f), r_min=1.0), 5, ('cat', 'dog')),
    'VectorSplit': DatasetCase(
        lambda f: dict(vectors(f), part='held_out', share=0.4), 2, ('cat', 'dog')
    ),
}


def points(right):
    """Four points of two classes, each in its own cluster, or all in one."""
    q = torch.tensor([[0.8, 0.2], [0.3, 0.7], [0.9, 0.1], [0.4, 0.6]])
    q = q if right else torch.full((4, 2), 0.5)
    return [dict(q=q[i], indices=torch.tensor(i), labels=torch.tensor(1 - i % 2)) for i in range(4)]


METRICS = {
    # Of equal probabilities the first cluster counts
    'ClusterMetric': MetricCase(
        lambda folder: {},
        {},
        lambda: points(right=True),
        lambda: points(right=False),
        {'clusters/acc': 0.5, 'clusters/nmi': 0.0, 'clusters/ari': 0.0, 'clusters/largest': 1.0},
    ),
}

ENCODER = dict(type='mmvisx.StackedEncoder', channels=(6, 5, 3))
MODELS = {
    # A matrix and a bias a layer
    'StackedEncoder': ModelCase(dict(channels=(6, 5, 3)), [(4, 6)], [(4, 3)], 7 * 5 + 6 * 3),
    # The same, and backwards; the codes are what comes out
    'StackedAutoencoder': ModelCase(
        dict(channels=(6, 5, 3)),
        [(4, 6)],
        [(4, 3)],
        (7 * 5 + 6 * 3) + (4 * 5 + 6 * 6),
        unused=('decoder.',),
    ),
    # The encoder and four centroids, which codes do not depend on
    'DEC': ModelCase(
        dict(encoder=ENCODER, num_clusters=4, channels=3),
        [(4, 6)],
        [(4, 3)],
        7 * 5 + 6 * 3 + 4 * 3,
        unused=('centroids',),
    ),
}

HOOKS = {
    'DECTargetHook': HookCase(
        dict(interval=1, tol=0.0, restarts=2), training='clusters', changes_model=True
    )
}
# Stages of 3 and 5 iterations
SCHEDULERS = {
    'StageStepLR': SchedulerCase(
        dict(stages=[3, 5], step_size=2, gamma=0.5), [1.0, 1.0, 0.5, 1.0, 1.0, 0.5, 0.5, 0.25]
    ),
    'StageMomentum': SchedulerCase(
        dict(stages=[3, 5], warmup=4), [0, 0.25, 0.5, 0, 0.25, 0.5, 0.75, 1.0], 'momentum'
    ),
}
