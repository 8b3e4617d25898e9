"""The generated grids against a flood fill over single cells."""

from collections import Counter, deque

import numpy as np
import pytest

from mmvisx.datasets import GridConnectivity
from mmvisx.datasets.classification.grid_connectivity import make_grids
from mmvisx.registry import DATASETS
from mmvisx.utils import UserError


def flood(grid: np.ndarray, start: tuple[int, int]) -> set[tuple[int, int]]:
    """Return the free cells that can be reached, cell by cell."""
    seen, queue = {start}, deque([start])
    while queue:
        row, column = queue.popleft()
        for cell in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
            inside = all(0 <= k < len(grid) for k in cell)
            if inside and grid[cell] and cell not in seen:
                seen.add(cell)
                queue.append(cell)
    return seen


@pytest.mark.parametrize(('side', 'free'), [(12, 0.6), (5, 0.5), (16, 0.7)])
def test_labels_are_those_of_a_flood_fill(side: int, free: float) -> None:
    grids, marks, labels = make_grids(600, side, seed=3, free=free)
    for grid, (first, second), label in zip(grids, marks, labels, strict=True):
        one, other = divmod(int(first), side), divmod(int(second), side)
        assert one != other
        assert grid[one]
        assert grid[other]
        assert label == (other in flood(grid, one))


def test_neither_the_number_of_labels_nor_the_distance_tells() -> None:
    grids, marks, labels = make_grids(8192, seed=1)
    rows, columns = np.divmod(marks, 12)
    distance = abs(rows[:, 0] - rows[:, 1]) + abs(columns[:, 0] - columns[:, 1])
    counts = Counter(zip(distance.tolist(), labels.tolist(), strict=True))
    assert labels.sum() == 4096
    assert len(counts) > 20
    assert all(counts[d, 0] == counts[d, 1] for d, _ in counts)
    assert 0.57 < grids.mean() < 0.63
    # Which of the two is marked first tells nothing either.
    assert abs((marks[:, 0] < marks[:, 1]).mean() - 0.5) < 0.03


def test_grids_depend_on_index_and_seed_only() -> None:
    few, many, other = make_grids(100, seed=5), make_grids(5000, seed=5), make_grids(100, seed=6)
    assert all(np.array_equal(a, b[:100]) for a, b in zip(few, many, strict=True))
    assert not np.array_equal(few[0], other[0])
    assert len(np.unique(many[0].reshape(5000, -1), axis=0)) == 5000


def test_an_image_shows_the_grid_and_its_marks() -> None:
    config = dict(type='mmvisx.GridConnectivity', number=50, seed=2)
    dataset = DATASETS.build(dict(config, pipeline=[dict(type='mmpretrain.PackInputs')]))
    assert isinstance(dataset, GridConnectivity)
    assert dataset.metainfo['classes'] == ('apart', 'connected')
    assert len(dataset) == 50
    for index in range(50):
        item = dataset[index]
        free, first, second = item['inputs'].numpy() == 255
        assert set(np.unique(item['inputs'])) == {0, 255}
        assert first.sum() == second.sum() == 1
        (start,), (end,) = np.argwhere(first), np.argwhere(second)
        connected = tuple(end.tolist()) in flood(free, tuple(start.tolist()))
        assert item['data_samples'].gt_label.item() == connected == dataset.get_gt_labels()[index]
        assert dataset.get_cat_ids(index) == [connected]


@pytest.mark.parametrize('wrong', [dict(number=0), dict(side=3), dict(free=0.95)])
def test_wrong_numbers(wrong: dict) -> None:
    with pytest.raises(UserError, match=f'{next(iter(wrong))}='):
        make_grids(**{'number': 10, **wrong})
