"""Identities that last through a video, from those of pairs of frames (Figure 7-4).

Letters: H x W pixels, U matches.

code: class + 1000 x id of a pixel's segment; id 0 is stuff, a crowd or nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ['match_segments', 'propagate_ids']

_INSTANCE_OFFSET = 1000
_CODES = 2**31


def match_segments(first: Tensor, second: Tensor) -> dict[int, int]:
    """Return the U segments of one map for which, and which for them, overlap by IoU is best.

    Only segments of one class match, those with id 0 never. There is no least IoU. Of equally good
    ones that with the smaller id counts.

    Args:
        first: Codes in [0, 2^31), ``(H, W)`` int64.
        second: Codes, ``(H, W)``.

    Returns:
        Code in ``first`` by the code in ``second``.

    Source: 001, 7.3.1.3.
    """
    objects = (first >= _INSTANCE_OFFSET) & (second >= _INSTANCE_OFFSET)
    objects &= first % _INSTANCE_OFFSET == second % _INSTANCE_OFFSET
    pairs, overlaps = (first[objects] * _CODES + second[objects]).unique(return_counts=True)
    first_areas, second_areas = _areas(first), _areas(second)
    of_first: dict[int, tuple[float, int]] = {}
    of_second: dict[int, tuple[float, int]] = {}
    for pair, overlap in zip(pairs.tolist(), overlaps.tolist(), strict=True):
        a, b = divmod(pair, _CODES)
        iou = overlap / (first_areas[a] + second_areas[b] - overlap)
        # The larger IoU, then the smaller id
        of_first[a] = max(of_first.get(a, (0.0, 0)), (iou, -b))
        of_second[b] = max(of_second.get(b, (0.0, 0)), (iou, -a))
    return {b: -a for b, (_, a) in of_second.items() if of_first[-a][1] == -b}


def _areas(codes: Tensor) -> dict[int, int]:
    values, counts = codes[codes >= _INSTANCE_OFFSET].unique(return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def propagate_ids(
    frames: Sequence[Tensor], previous: Tensor | None, free: int
) -> tuple[list[Tensor], int]:
    """Return the maps of a pair with the ids of the video, and the next id that is free.

    Segments of P_t that match one of R_{t-1} have its id. All others, those that only R_t has, too,
    get ids that no segment of the video had before, in the order of their codes.

    Args:
        frames: P_t, and R_t where there is a next frame: ``(H, W)`` each, codes with ids of the
            pair.
        previous: R_{t-1} with ids of the video, ``(H, W)``; none for the first frame. P_{t-1} in
            its place tracks by overlap alone.
        free: Smallest id that was never used, 1 in the beginning.

    Source: 001, 7.3.1.3, Figure 7-4. The published code adds half of a divisor to ids that match
    nothing, which can run out.
    """
    maps = torch.stack(list(frames))
    objects = maps >= _INSTANCE_OFFSET
    codes, places = maps[objects].unique(return_inverse=True)
    matches = {} if previous is None else match_segments(previous, maps[0])
    renamed = []
    for code in codes.tolist():
        if code in matches:
            renamed.append(matches[code])
        else:
            renamed.append(code % _INSTANCE_OFFSET + _INSTANCE_OFFSET * free)
            free += 1
    maps[objects] = maps.new_tensor(renamed)[places]
    return list(maps), free
