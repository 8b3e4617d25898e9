"""What the heads of a panoptic network with centres and offsets learn, from maps of segments.

Letters: H x W pixels of a frame.

code: class + 1000 x id of a pixel's segment; 255 is void.
object: a segment of a thing with an id above 0.
crowd: a segment of a thing with id 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.structures import INSTANCE_OFFSET

from mmvisx.registry import TRANSFORMS
from mmvisx.utils.errors import UserError
from mmvisx.utils.runs import number_values

__all__ = ['GeneratePanopticTargets', 'centre_heatmap', 'object_centres', 'object_offsets']

_IGNORE = 255


@TRANSFORMS.register_module()
class GeneratePanopticTargets(BaseTransform):
    """Make centres, offsets, labels and weights of a frame, and offsets of the next one.

    It comes after the augmentation: centres and areas are those of the pixels that are left.
    Reads ``gt_panoptic_map``, ``thing_labels``, of a pair ``next_gt_panoptic_map``, and
    ``gt_depth_map`` where there is one. Writes ``gt_targets``, a dict of arrays ``(C, H, W)``:

    - ``semantic`` ``(1, H, W)`` int64: classes; void and crowds are ignored (255);
    - ``semantic_weight`` ``(1, H, W)`` float32: larger for small objects;
    - ``centre`` ``(1, H, W)`` float32; ``centre_mask`` bool: all but void and crowds;
    - ``offset`` ``(2, H, W)`` float32, (y, x) in pixels; ``offset_mask`` bool: objects;
    - ``next_offset`` and ``next_offset_mask`` of a pair: from the next frame's pixels to the
      centres of the first; objects that it does not have are left out;
    - ``depth`` ``(1, H, W)`` float32.

    Args:
        sigma: Of the Gaussian around a centre, in pixels.
        small_area: Objects with fewer pixels are small.
        small_weight: Of their pixels.

    Raises:
        UserError: The frames of a pair differ in size.

    Source: 001, 7.3.1.2.
    """

    def __init__(
        self, sigma: float = 8.0, small_area: int = 64 * 64, small_weight: float = 3.0
    ) -> None:
        self.sigma, self.small_area, self.small_weight = sigma, small_area, small_weight

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the targets."""
        codes, things = results['gt_panoptic_map'], results['thing_labels']
        objects, centres, areas = object_centres(codes, things)
        classes = codes % INSTANCE_OFFSET
        ignored = (classes == _IGNORE) | np.isin(codes, things)
        small = _any_of(codes, objects[areas < self.small_area])
        targets = dict(
            semantic=np.where(ignored, _IGNORE, classes).astype(np.int64),
            semantic_weight=np.where(small, self.small_weight, 1).astype(np.float32),
            centre=centre_heatmap(centres, codes.shape, self.sigma),
            centre_mask=~ignored,
        )
        targets['offset'], targets['offset_mask'] = object_offsets(codes, objects, centres)
        if 'next_gt_panoptic_map' in results:
            following = results['next_gt_panoptic_map']
            self._check_pair(results, codes, following)
            offsets, mask = object_offsets(following, objects, centres)
            targets.update(next_offset=offsets, next_offset_mask=mask)
        if 'gt_depth_map' in results:
            targets['depth'] = results['gt_depth_map']
        results['gt_targets'] = {k: v if v.ndim == 3 else v[None] for k, v in targets.items()}
        return results

    @staticmethod
    def _check_pair(results: dict[str, Any], codes: np.ndarray, following: np.ndarray) -> None:
        if following.shape != codes.shape:
            raise UserError(
                f'GeneratePanopticTargets: the frames of the pair {results.get("video_id")}, '
                f'{results.get("frame_id")} have {codes.shape} and {following.shape} pixels; '
                'both must be of one size'
            )


def object_centres(
    codes: np.ndarray, thing_labels: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return codes ``(N,)``, centres ``(N, 2)`` int64 (y, x) and areas ``(N,)`` of the N objects.

    A centre is the mean of the visible pixels, rounded; halves go up.

    Args:
        codes: ``(H, W)``.
        thing_labels: Which classes are things.
    """
    values, places = number_values(codes.ravel())
    areas = np.bincount(places, minlength=values.size)
    sums = np.stack(
        [
            np.bincount(places, weights=axis.ravel(), minlength=values.size)
            for axis in np.indices(codes.shape)
        ],
        axis=1,
    ).astype(np.int64)
    objects = np.isin(values % INSTANCE_OFFSET, thing_labels) & (values >= INSTANCE_OFFSET)
    centres = (2 * sums + areas[:, None]) // (2 * areas[:, None])
    return values[objects], centres[objects], areas[objects]


def centre_heatmap(centres: np.ndarray, shape: tuple[int, ...], sigma: float) -> np.ndarray:
    """Return a Gaussian of height 1 around each centre, ``(H, W)`` float32 in [0, 1].

    Where several meet the largest counts. Beyond three sigma, rounded up, in y or x there is none.

    Args:
        centres: ``(N, 2)``, inside.
        shape: H, W.
        sigma: In pixels.
    """
    heatmap = np.zeros(shape, np.float32)
    reach = int(np.ceil(3 * sigma))
    row = np.exp(-np.square(np.arange(-reach, reach + 1)) / (2 * sigma**2))
    patch = np.outer(row, row).astype(np.float32)
    for centre in centres.tolist():
        inside = tuple(slice(max(0, c - reach), c + reach + 1) for c in centre)
        part = heatmap[inside]
        start = [max(0, reach - c) for c in centre]
        own = patch[start[0] : start[0] + part.shape[0], start[1] : start[1] + part.shape[1]]
        np.maximum(part, own, out=part)
    return heatmap


def object_offsets(
    codes: np.ndarray, objects: np.ndarray, centres: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return offsets ``(2, H, W)`` float32 to the centres, and which pixels have one ``(H, W)``.

    Args:
        codes: ``(H, W)``, of the frame with the centres or the next one.
        objects: Codes with a centre, ``(N,)`` ascending.
        centres: ``(N, 2)`` (y, x).
    """
    mask = _any_of(codes, objects)
    offsets = np.zeros((2, *codes.shape), np.float32)
    own = np.searchsorted(objects, codes[mask])
    offsets[:, mask] = (centres[own] - np.argwhere(mask)).T
    return offsets, mask


def _any_of(codes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    values, places = number_values(codes.ravel())
    return np.isin(values, wanted)[places].reshape(codes.shape)
