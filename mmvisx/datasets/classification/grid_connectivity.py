"""An endless task in which depth decides: are two marked cells of a grid connected?"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from mmengine.dataset import BaseDataset
from scipy import ndimage

from mmvisx.registry import DATASETS
from mmvisx.utils.errors import UserError

__all__ = ['GridConnectivity', 'make_grids']

CHUNK = 4096  # grids that are drawn together
# Near 0.593, where a large grid's cells begin to hang together, a pair's answer is least clear.
FREE = 0.6


def make_grids(
    number: int, side: int = 12, seed: int = 0, free: float = FREE
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw random grids with two marked free cells, connected in half of them.

    Cells are free with probability ``free``, and two free cells are connected if a path of free
    cells, from side to side, leads from one to the other. At each distance (in steps along the
    axes) as many marked pairs are connected as not, so that the distance says nothing.

    Args:
        number: ``n``, how many; more begin with the same ones.
        side: ``s``, cells on a side.
        seed: Of the random numbers.
        free: Share of free cells.

    Returns:
        Grids ``(n, s, s)``, True where free; marked cells ``(n, 2)`` as indices into the
        flattened grid; labels ``(n,)`` int64, 1 where connected. In each full chunk of 4,096
        half of the labels are 1.

    Raises:
        UserError: a number below 1, a side below 4, a share outside of 0.2 to 0.9.
    """
    if number < 1 or side < 4 or not 0.2 <= free <= 0.9:
        raise UserError(
            f'number={number}, side={side} and free={free} of make_grids should be at least 1, at '
            'least 4, and between 0.2 and 0.9'
        )
    chunks = [
        _make_chunk(np.random.default_rng([seed, index]), side, free)
        for index in range(-(-number // CHUNK))
    ]
    grids, marks, labels = (np.concatenate(parts)[:number] for parts in zip(*chunks, strict=True))
    return grids, marks, labels


def _make_chunk(
    rng: np.random.Generator, side: int, free: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = []
    missing = CHUNK // 2  # pairs of a connected and an unconnected grid
    while missing > 0:
        grids = rng.random((4 * CHUNK, side, side)) < free
        # The two largest of random numbers over the free cells.
        scores = np.where(grids, rng.random(grids.shape), -1.0).reshape(len(grids), -1)
        marks = np.argpartition(scores, -2, axis=1)[:, -2:]
        grids, marks = grids[grids.sum((1, 2)) > 1], marks[grids.sum((1, 2)) > 1]
        labels = _connected(grids, marks)
        rows, columns = np.divmod(marks, side)
        distance = np.ptp(rows, axis=1) + np.ptp(columns, axis=1)
        twins = [
            np.stack([np.flatnonzero((distance == d) & (labels == k))[:count] for k in (0, 1)], 1)
            for d in range(1, 2 * side - 1)
            for count in [min(((distance == d) & (labels == k)).sum() for k in (0, 1))]
        ]
        chosen = rng.permutation(np.concatenate(twins))[:missing].ravel()
        missing -= len(chosen) // 2
        found.append((grids[chosen], marks[chosen], labels[chosen]))
    order = rng.permutation(CHUNK)
    grids, marks, labels = (np.concatenate(parts)[order] for parts in zip(*found, strict=True))
    return grids, marks, labels


def _connected(grids: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """Return 1 where both marked cells lie in one piece of the grid, ``(n,)``."""
    structure = np.zeros((3, 3, 3), dtype=bool)
    structure[1] = ndimage.generate_binary_structure(2, 1)  # no grid is its neighbours' neighbour
    pieces, _ = ndimage.label(grids, structure)
    first, second = np.take_along_axis(pieces.reshape(len(grids), -1), marks, axis=1).T
    return (first == second).astype(np.int64)


@DATASETS.register_module()
class GridConnectivity(BaseDataset):
    """Images of random grids; the label says whether the two marked cells are connected.

    An image is ``(side, side, 3)`` uint8, 0 or 255: the free cells, the first and the second
    marked cell. Nothing is read from disk; all grids are drawn at the start, by
    :func:`make_grids`, some 100,000 a second. As long as no more images are shown than
    there are grids, none is seen twice.

    Args:
        number: How many grids.
        side: Cells on a side.
        seed: Of the random numbers; another one for validation than for training.
        free: Share of free cells.
        pipeline: Of what comes after the image, usually ``PackInputs``.
        test_mode: See :class:`mmengine.dataset.BaseDataset`.

    Raises:
        UserError: see :func:`make_grids`.

    Source: not in the documents. A layer of 3x3 convolutions sees one cell further, so that
    the answer needs depth, which 001, chapter 4, promises without further layers.
    """

    METAINFO: ClassVar[dict] = {'classes': ('apart', 'connected')}

    def __init__(
        self,
        number: int,
        side: int = 12,
        seed: int = 0,
        free: float = FREE,
        pipeline: list | tuple = (),
        test_mode: bool = False,
    ) -> None:
        self.number = number
        self.side = side
        self.seed = seed
        self.free = free
        super().__init__(pipeline=list(pipeline), serialize_data=False, test_mode=test_mode)

    def load_data_list(self) -> list[int]:
        """Draw the grids; the entries are their numbers."""
        self.grids, self.marks, self.labels = make_grids(
            self.number, self.side, self.seed, self.free
        )
        return list(range(self.number))

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return ``img`` and ``gt_label`` of a grid."""
        image = np.zeros((self.side * self.side, 3), dtype=np.uint8)
        image[:, 0] = self.grids[idx].ravel() * np.uint8(255)
        image[self.marks[idx], (1, 2)] = 255
        size = (self.side, self.side)
        return dict(
            img=image.reshape(*size, 3),
            gt_label=int(self.labels[idx]),
            img_shape=size,
            ori_shape=size,
            sample_idx=int(idx),
        )

    def get_gt_labels(self) -> np.ndarray:
        """Return the labels, ``(number,)``."""
        return self.labels

    def get_cat_ids(self, idx: int) -> list[int]:
        """Return the label of a grid, as samplers that balance classes want it."""
        return [int(self.labels[idx])]
