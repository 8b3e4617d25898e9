"""Arrays that are written at once or not at all."""

import numpy as np
import pytest

from mmvisx.utils import UserError
from mmvisx.utils.array_file import write_array
from tests.helpers.full_disk import full_disk

LIMIT = 20_000  # bytes


def test_the_end_of_an_array_is_not_lost(tmp_path):
    """np.save leaves the last block to a buffer, whose failure it does not hear of."""
    path = tmp_path / 'a.npy'
    before = np.arange(12, dtype=np.float16).reshape(3, 4).T
    write_array(path, before)
    np.testing.assert_array_equal(np.load(path), before)
    assert np.load(path, mmap_mode='r').dtype == np.float16
    with full_disk(LIMIT), pytest.raises(UserError, match=rf'a\.npy .*{LIMIT} bytes are needed'):
        write_array(path, np.ones(LIMIT, np.uint8))
    np.testing.assert_array_equal(np.load(path), before)
