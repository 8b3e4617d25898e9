"""Objects of a frame and the next one from centres and offsets, side by side.

Letters: H x W pixels of a frame, N centres, M points, F frames: one, or a frame and the next.

centre: of an object of the first frame, in whole pixels (y, x).
offset: from a pixel to its object's centre, (y, x) in pixels. That of the next frame's pixels leads
into the first frame as if it lay on top; side by side its x would be smaller by W.
code: class + 1000 x number of the object's centre, counted from 1; stuff has number 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ['VOID', 'find_centres', 'group_frames', 'nearest_centres']

VOID = 255
"""Code of pixels that belong to nothing."""

_INSTANCE_OFFSET = 1000
# Distances at a time: 16 MiB
_DISTANCES = 2**22


def find_centres(
    heatmap: Tensor, threshold: float = 0.1, window: int = 13, most: int = 400
) -> Tensor:
    """Return the peaks of a heatmap, the highest first, ``(N, 2)`` int64 (y, x).

    Of equal ones the upper and then the left one comes first.

    Args:
        heatmap: ``(H, W)``.
        threshold: A centre is above it.
        window: Odd; a centre is not below any pixel of the square of this side around it.
        most: The others are left out.

    Source: 001, 7.3.1.2.
    """
    largest = F.max_pool2d(heatmap[None], window, stride=1, padding=window // 2)[0]
    places = ((heatmap == largest) & (heatmap > threshold)).nonzero()
    order = heatmap[places[:, 0], places[:, 1]].sort(descending=True, stable=True).indices
    return places[order[:most]]


def nearest_centres(points: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """Return the index of the nearest centre of each point, and the squared distance: ``(M,)``.

    Of equally near ones the first. Distances are computed part by part: all of them together
    would be 3.4 GB for 200 centres and two frames of 1025 x 2049.

    Args:
        points: ``(2, M)`` (y, x).
        centres: ``(N, 2)``, one at least.

    Source: 001, 7.3.1.2.
    """
    y, x = centres.to(points).T[..., None]
    indices, distances = [], []
    for part in points.split(max(1, _DISTANCES // len(centres)), dim=1):
        squares = (part[0] - y).square_().add_((part[1] - x).square_())
        nearest = squares.argmin(dim=0)
        indices.append(nearest)
        distances.append(squares.gather(0, nearest[None])[0])
    return torch.cat(indices), torch.cat(distances)


def group_frames(
    classes: Sequence[Tensor],
    offsets: Sequence[Tensor],
    centres: Tensor,
    thing_labels: Sequence[int],
    stuff_area: int = 0,
    reject_distance: float = math.inf,
) -> list[Tensor]:
    """Return the codes of the frames, ``(H, W)`` int64 each: P_t, and with a next frame R_t.

    Each pixel of things joins the nearest centre, and the object is of the class that most of its
    pixels have in both frames (of equally many the smaller number). Without a centre pixels of
    things are void.

    Args:
        classes: Of the F frames, ``(H, W)`` each.
        offsets: Of the F frames, ``(2, H, W)`` each.
        centres: Of the first frame, ``(N, 2)``.
        thing_labels: Which classes are things.
        stuff_area: Classes of stuff with fewer pixels in a frame are void there.
        reject_distance: Pixels of the next frame whose offset ends farther from every centre, in
            pixels, belong to no object of the first frame: they are void and have no vote.

    Source: 001, 7.3.1.2. ``reject_distance`` is not in the document, which has none.
    """
    labels = torch.stack(list(classes)).long()
    codes = torch.where(_few(labels, stuff_area), VOID, labels)
    things = torch.isin(labels, torch.tensor(list(thing_labels), device=labels.device))
    codes[things] = VOID
    frame, *places = things.nonzero(as_tuple=True)
    if len(centres) and len(frame):
        points = torch.stack(list(offsets)).movedim(1, 0)[:, things] + torch.stack(places)
        index, distance = nearest_centres(points, centres)
        joins = (frame == 0) | (distance <= reject_distance**2)
        votes = index.new_zeros(len(centres), int(labels.max()) + 1)
        votes.index_put_((index[joins], labels[things][joins]), index.new_ones(()), accumulate=True)
        # The first of equal numbers of votes
        majority = votes.argmax(dim=1)[index]
        codes[things] = torch.where(joins, majority + _INSTANCE_OFFSET * (index + 1), VOID)
    return list(codes)


def _few(labels: Tensor, area: int) -> Tensor:
    """Whether a pixel's class has fewer pixels than ``area`` in its frame, ``(F, H, W)``."""
    return torch.stack([(one.flatten().bincount() < area)[one] for one in labels])
