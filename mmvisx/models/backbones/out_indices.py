"""Which of a backbone's maps are wanted."""

from __future__ import annotations

from collections.abc import Sequence

from mmvisx.utils.errors import UserError

__all__ = ['resolve_out_indices']


def resolve_out_indices(
    out_indices: int | Sequence[int], total: int, network: str
) -> tuple[int, ...]:
    """Return a backbone's ``out_indices`` as numbers from 0, in their order.

    Args:
        out_indices: One number or several; negative ones count from the end.
        total: How many maps the backbone has.
        network: Its name, for the message.

    Raises:
        UserError: There is no such map, no number at all, or one map is named twice.
    """
    wanted = [out_indices] if isinstance(out_indices, int) else out_indices
    if (
        not isinstance(wanted, Sequence)
        or not wanted
        or not all(isinstance(i, int) and -total <= i < total for i in wanted)
    ):
        raise UserError(
            f'out_indices={out_indices!r} of {network}: this network has {total} outputs, '
            f'0 to {total - 1} (or -{total} to -1)'
        )
    indices = tuple(i % total for i in wanted)
    if len(set(indices)) < len(indices):
        raise UserError(f'out_indices={out_indices!r} of {network} names an output twice')
    return indices
