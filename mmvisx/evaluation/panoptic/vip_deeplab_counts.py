"""Pixels that true and predicted segments share, frame by frame and window by window.

Letters: H x W pixels, K classes, L thresholds of the depth error, U pairs of segments.

code: class + 1000 x id, as mmdet numbers the segments of a panoptic map.
pair: code of the true segment x 2^31 + code of the predicted one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from mmdet.structures import INSTANCE_OFFSET

from mmvisx.utils.errors import UserError
from mmvisx.utils.runs import number_values

__all__ = ['SegmentCounts', 'count_segments', 'depth_errors', 'sum_counts', 'within']

_CODES = 2**31
# An error of exactly lambda passes, also where metres were rounded to float32. 16-bit depths with
# the document's thresholds are on the same side of them without it.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class SegmentCounts:
    """Pixels of each pair of a true and a predicted segment.

    Attributes:
        pairs: ``(U,)`` int64, ascending; see :attr:`true` and :attr:`predicted`.
        pixels: ``(U, L + 1)`` int64: those within each threshold, and at last all.
    """

    pairs: np.ndarray
    pixels: np.ndarray

    @property
    def true(self) -> np.ndarray:
        """Codes of the true segments, ``(U,)``."""
        return self.pairs // _CODES

    @property
    def predicted(self) -> np.ndarray:
        """Codes of the predicted segments, ``(U,)``."""
        return self.pairs % _CODES


def depth_errors(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return the absolute relative errors of a depth map, ``(H, W)`` float64.

    NaN where there is no true depth. Both maps in one unit, of any type of number: unsigned
    integers of a PNG, too, whose difference would wrap round.

    Args:
        predicted: ``(H, W)``.
        true: ``(H, W)``, 0 where it is unknown.

    Raises:
        UserError: The maps differ in size, or hold NaN or infinity.

    Source: 001, 7.3.3.
    """
    _check_sizes(predicted, true, 'depth')
    errors = np.full(true.shape, np.nan)
    p, t = predicted.astype(np.float64), true.astype(np.float64)
    for name, depth in (('prediction', p), ('ground truth', t)):
        if not np.isfinite(depth).all():
            raise UserError(f'the depth of the {name} holds NaN or infinity; unknown depth is 0')
    np.divide(np.abs(p - t), t, out=errors, where=t > 0)
    return errors


def within(errors: np.ndarray, threshold: float) -> np.ndarray:
    """Whether each pixel's depth is near enough, bool of the shape of ``errors``, ``(H, W)``.

    An error of exactly the threshold is, and so is a pixel without true depth.

    Source: 001, 7.3.3.
    """
    return ~(errors > threshold + _ROUNDING)


def count_segments(
    true: np.ndarray, predicted: np.ndarray, near: Sequence[np.ndarray] = ()
) -> SegmentCounts:
    """Count the pixels of all pairs of segments of a frame, for all thresholds at once.

    Args:
        true: Codes, ``(H, W)``.
        predicted: Codes, ``(H, W)``.
        near: For each of the L thresholds :func:`within`, ``(H, W)``.

    Raises:
        UserError: The maps differ in size, or a code is not in [0, 2^31).

    Source: 001, Eq. 7.5.
    """
    _check_sizes(predicted, true, 'panoptic')
    for name, codes in (('prediction', predicted), ('ground truth', true)):
        if not 0 <= codes.min() <= codes.max() < _CODES:
            raise UserError(
                f'the panoptic map of the {name} holds {codes.min()} to {codes.max()}; class + '
                f'{INSTANCE_OFFSET} x id must be in 0..{_CODES - 1}'
            )
    pairs, places = number_values(true.ravel().astype(np.int64) * _CODES + predicted.ravel())
    chosen = [*(places[mask.ravel()] for mask in near), places]
    return SegmentCounts(
        pairs, np.stack([np.bincount(part, minlength=pairs.size) for part in chosen], axis=1)
    )


def sum_counts(frames: Sequence[SegmentCounts]) -> SegmentCounts:
    """Return the counts of the frames side by side.

    Source: 001, Eq. 7.2: a segment of a window is its parts in all frames.
    """
    pairs, places = np.unique(np.concatenate([f.pairs for f in frames]), return_inverse=True)
    pixels = np.zeros((pairs.size, frames[0].pixels.shape[1]), np.int64)
    np.add.at(pixels, places, np.concatenate([f.pixels for f in frames]))
    return SegmentCounts(pairs, pixels)


def _check_sizes(predicted: np.ndarray, true: np.ndarray, kind: str) -> None:
    if predicted.shape != true.shape:
        raise UserError(
            f'the {kind} map of the prediction has the shape {predicted.shape}, that of the '
            f'ground truth {true.shape}: predict at the size of the image'
        )
