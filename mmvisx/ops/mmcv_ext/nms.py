"""Non-maximum suppression, hard and soft, as mmcv's compiled functions count it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import nms as torchvision_nms

__all__ = ['nms', 'softnms']

LINEAR, GAUSSIAN = 1, 2  # of softnms; 0 drops what overlaps


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Return which boxes stay, best first.

    Args:
        boxes: ``(N, 4)``, x1 y1 x2 y2.
        scores: ``(N,)``.
        iou_threshold: A box that overlaps a better one by more goes.
        offset: A side is ``x2 - x1 + offset``: 0 or 1.

    Returns:
        ``(M,)`` indices.
    """
    # torchvision orders ties in its own way: falling ranks, which have none, keep torch's order.
    order = scores.sort(0, descending=True).indices
    ranked = boxes[order]
    if offset:
        ranked = ranked + ranked.new_tensor([0, 0, offset, offset])
    ranks = torch.arange(len(order), 0, -1, device=boxes.device, dtype=boxes.dtype)
    # The compiled loop compares in the boxes' precision, torchvision in double.
    threshold = torch.tensor(iou_threshold, dtype=boxes.dtype).item()
    return order[torchvision_nms(ranked, ranks, threshold)]


def softnms(
    boxes: Tensor,
    scores: Tensor,
    dets: Tensor,
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    offset: int,
) -> Tensor:
    """Lower the scores of boxes that overlap better ones, and drop those that end too low.

    Ties go to the box that comes first *now*: each best box changes places with the one at the
    front, and a dropped one's place is taken by the last, as in the compiled loop.

    Args:
        boxes: ``(N, 4)`` on the CPU, x1 y1 x2 y2.
        scores: ``(N,)``.
        dets: ``(N, 5)``; its first M rows get box and lowered score of what stays.
        iou_threshold: From this overlap on a score is lowered (not by the Gaussian).
        sigma: Of the Gaussian.
        min_score: A box whose score falls below goes.
        method: 0 hard, 1 linear, 2 Gaussian.
        offset: A side is ``x2 - x1 + offset``: 0 or 1.

    Returns:
        ``(M,)`` indices, best first.
    """
    # A row: x1 y1 x2 y2 score area.
    area = (boxes[:, 2] - boxes[:, 0] + offset) * (boxes[:, 3] - boxes[:, 1] + offset)
    rows = torch.cat((boxes, scores[:, None], area[:, None]), dim=1).detach().numpy()
    index = np.arange(len(rows))
    end, first = len(rows), 0
    while first < end:
        best = first + _first_best(rows[first:end, 4])
        for array in (rows, index):
            array[[first, best]] = array[[best, first]]
        rest = rows[first + 1 : end]
        rest[:, 4] *= _weights(rows[first], rest, iou_threshold, sigma, method, offset)
        end = first + 1 + _drop(rest, index[first + 1 : end], min_score)
        first += 1
    dets[:end] = torch.from_numpy(rows[:end, :5])
    return torch.from_numpy(index[:end].copy())


def _first_best(scores: np.ndarray) -> int:
    """Return where the highest score first stands.

    Two boxes without area overlap by NaN, which is never higher than another score, nor lower.
    """
    return 0 if np.isnan(scores[0]) else int(np.nanargmax(scores))


def _weights(
    best: np.ndarray,
    rest: np.ndarray,
    iou_threshold: float,
    sigma: float,
    method: int,
    offset: int,
) -> np.ndarray:
    """Return by what each score is multiplied, ``(n,)``."""
    low = np.maximum(best[:2], rest[:, :2])
    high = np.minimum(best[2:4], rest[:, 2:4])
    sides = np.maximum(high - low + rest.dtype.type(offset), 0)
    inter = sides[:, 0] * sides[:, 1]
    with np.errstate(divide='ignore', invalid='ignore'):  # boxes without area
        overlap = inter / (best[5] + rest[:, 5] - inter)
    if method == GAUSSIAN:
        # In double precision and rounded, as C's expf gives it; NumPy's own differs in the
        # last bit, which decides between ties.
        exponent = -(overlap * overlap) / rest.dtype.type(sigma)
        return np.exp(exponent.astype(np.float64)).astype(rest.dtype)
    lowered = 1 - overlap if method == LINEAR else np.zeros_like(overlap)
    return np.where(overlap >= rest.dtype.type(iou_threshold), lowered, rest.dtype.type(1))


def _drop(rest: np.ndarray, index: np.ndarray, min_score: float) -> int:
    """Put the rows that stay to the front, and return how many they are.

    The place of a dropped row is taken by the last one that stays.
    """
    stays = ~(rest[:, 4] < rest.dtype.type(min_score))
    number = int(stays.sum())
    holes = np.flatnonzero(~stays[:number])
    fillers = number + np.flatnonzero(stays[number:])[::-1]
    rest[holes], index[holes] = rest[fillers], index[fillers]
    return number
