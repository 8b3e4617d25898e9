"""Distinct values by runs, against numpy's."""

import numpy as np
import pytest

from mmvisx.utils.runs import count_values, number_values


@pytest.mark.parametrize('length', [0, 1, 2, 50])
def test_as_numpy_does_it(length):
    values = np.random.default_rng(length).integers(-3, 4, length).repeat(2) * 2**40
    distinct, places = number_values(values)
    assert (distinct == np.unique(values)).all()
    assert (distinct[places] == values).all()
    found = count_values(values)
    for ours, theirs in zip(found, np.unique(values, return_counts=True), strict=True):
        assert (ours == theirs).all()
