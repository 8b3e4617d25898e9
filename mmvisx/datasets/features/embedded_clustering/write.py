"""Write points where :class:`mmvisx.VectorDataset` finds them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from mmvisx.utils.errors import UserError
from mmvisx.utils.files import write_text, writing

__all__ = ['unit_factor', 'write_vectors']


def unit_factor(vectors: Any) -> float:
    """Return the factor with which the mean of ``|x|^2 / d`` over the points is 1.

    Args:
        vectors: ``(n, d)``, dense or sparse, not all zeros.

    Raises:
        UserError: All values are 0.

    Source: 000, section 3.4.1.
    """
    values = vectors.data if sparse.issparse(vectors) else vectors
    total = float(np.square(values, dtype=np.float64).sum())
    if not total:
        raise UserError('all points are zeros: nothing can scale them')
    return float(np.sqrt(vectors.shape[0] * vectors.shape[1] / total))


def write_vectors(
    out: str | Path,
    vectors: Any,
    labels: Sequence[str] | None = None,
    name: str = 'vectors',
    **lists: Sequence[str],
) -> Path:
    """Write points, their labels and further lists into a folder; return the file of the points.

    Args:
        out: The folder, which is made.
        vectors: ``(n, d)``; a sparse matrix is written as ``.npz``, an array as ``.npy``.
        labels: Names of the classes, n, for ``labels.txt``.
        name: Of the file of points, without its ending.
        **lists: By name: lines of a text file; an empty list is not written.

    Raises:
        UserError: The folder holds such points already.
    """
    out = Path(out)
    there = [out / f'{name}{ending}' for ending in ('.npy', '.npz')]
    for path in there:
        if path.exists():
            raise UserError(f'{path} is there already: name another folder')
    out.mkdir(parents=True, exist_ok=True)
    if labels is not None:
        lists = dict(lists, labels=labels)
    for key, lines in lists.items():
        if lines:
            write_text(out / f'{key}.txt', '\n'.join(lines) + '\n')
    path = there[1] if sparse.issparse(vectors) else there[0]
    with writing(path, 'wb') as file:
        if sparse.issparse(vectors):
            sparse.save_npz(file, sparse.csr_array(vectors))
        else:
            np.save(file, vectors)
    return path
