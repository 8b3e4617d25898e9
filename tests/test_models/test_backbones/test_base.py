"""Which maps of a backbone are wanted."""

import pytest

from mmvisx.models.backbones.base import resolve_out_indices
from mmvisx.utils import UserError


@pytest.mark.parametrize(
    ('wanted', 'expected'), [(0, (0,)), (-1, (3,)), ([2, 0], (2, 0)), ((-4, -2), (0, 2))]
)
def test_numbers_from_zero(wanted, expected):
    assert resolve_out_indices(wanted, 4, 'Net') == expected


@pytest.mark.parametrize(
    ('wanted', 'message'),
    [
        (4, r'out_indices=4 of Net.*4 outputs, 0 to 3 \(or -4 to -1\)'),
        ((0, -5), '4 outputs'),
        ((), '4 outputs'),
        ('0', '4 outputs'),
        ((1, -3), 'names an output twice'),
    ],
)
def test_no_such_map(wanted, message):
    with pytest.raises(UserError, match=message):
        resolve_out_indices(wanted, 4, 'Net')
