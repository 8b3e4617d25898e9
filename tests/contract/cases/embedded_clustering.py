"""Contract cases of embedded_clustering."""

import numpy as np

from tests.contract.case import DatasetCase


def vectors(folder):
    """Five points of three values in a file, of two classes."""
    np.save(folder / 'points.npy', np.arange(15.0).reshape(5, 3))
    (folder / 'labels.txt').write_text('cat\ndog\ncat\ncat\ndog\n')
    return dict(data=str(folder / 'points.npy'), labels=str(folder / 'labels.txt'))


DATASETS = {'VectorDataset': DatasetCase(vectors, 5, ('cat', 'dog'))}
