"""Weights of boxes that follow the boxes through any pipeline (000, section 5.3.1).

mmdet's transforms drop, repeat and join boxes, and know nothing of weights. What all of
them do treat alike is ``gt_bboxes_labels``: whoever indexes or joins the boxes indexes or
joins the labels. So the labels carry the weights, and the dictionary that runs through the
pipeline writes them out whenever it gets labels.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from mmengine.logging import MessageHub

from mmvisx.utils import UserError

__all__ = [
    'LABELS',
    'LISTENING',
    'WEIGHTS',
    'WeightedLabels',
    'WeightedResults',
    'box_weights',
    'check_listening',
]

LABELS = 'gt_bboxes_labels'
WEIGHTS = 'gt_bboxes_weights'
LISTENING = 'box_weights_reach_the_loss'
"""Set in MMEngine's message hub, true, by ``BoxWeightsHook``."""


class WeightedLabels(np.ndarray):
    """Labels ``(N,)`` whose indexing and joining does the same to their weights.

    Labels without weights that are joined to these get the weight 1. What neither indexes
    nor joins (arithmetic, for example) returns labels without weights.

    Args:
        labels: ``(N,)``.
        weights: ``(N,)`` float32.

    Attributes:
        weights: ``(N,)`` float32, or None.

    Source: 000, 5.3.1.
    """

    weights: np.ndarray | None

    def __new__(cls, labels: np.ndarray, weights: np.ndarray) -> WeightedLabels:
        weighted = np.asarray(labels).view(cls)
        weighted.weights = np.asarray(weights, np.float32)
        return weighted

    def __array_finalize__(self, source: Any) -> None:
        # Whatever made this array may have reordered it.
        self.weights = None

    def __getitem__(self, index: Any) -> Any:
        picked = super().__getitem__(index)
        if self.weights is not None and isinstance(picked, WeightedLabels):
            picked.weights = self.weights[index]
        return picked

    def __array_function__(self, func: Callable, types: Any, args: Any, kwargs: Any) -> Any:
        result: Any = super().__array_function__(func, types, args, kwargs)
        if func is np.concatenate and 'out' not in kwargs:
            # If the first part is no carrier, neither is NumPy's result.
            return WeightedLabels(result, np.concatenate([_weights_or_ones(p) for p in args[0]]))
        return result

    def copy(self, order: Any = 'C') -> WeightedLabels:
        """Return a copy with the same weights."""
        copied = super().copy(order)
        if self.weights is not None:
            copied.weights = self.weights.copy()
        return copied

    def __copy__(self) -> WeightedLabels:
        return self.copy()

    def __deepcopy__(self, memo: dict | None, /) -> WeightedLabels:
        return self.copy()

    def __reduce__(self) -> Any:
        reduced: Any = super().__reduce__()
        function, arguments, state = reduced
        return function, arguments, (state, self.weights)

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state[0])
        self.weights = state[1]


def _weights_or_ones(labels: Any) -> np.ndarray:
    weights = getattr(labels, 'weights', None)
    return np.ones(len(labels), np.float32) if weights is None else weights


class WeightedResults(dict):
    """Results of a pipeline whose ``gt_bboxes_weights`` stay aligned with its boxes.

    Source: 000, 5.3.1.
    """

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        if key == LABELS and getattr(value, 'weights', None) is not None:
            super().__setitem__(WEIGHTS, value.weights)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several items."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def copy(self) -> WeightedResults:
        """Return a shallow copy."""
        return type(self)(self)

    def __deepcopy__(self, memo: dict) -> WeightedResults:
        copied = type(self)()
        memo[id(self)] = copied
        for key, value in self.items():
            fast = type(value) is np.ndarray and value.dtype != object
            copied[key] = _copy_array(value) if fast else copy.deepcopy(value, memo)
        return copied

    def __or__(self, other: Any) -> WeightedResults:
        joined = self.copy()
        joined.update(other)
        return joined

    def __ior__(self, other: Any) -> WeightedResults:
        self.update(other)
        return self

    def set_weights(self, weights: np.ndarray) -> None:
        """Give the boxes weights, ``(N,)`` in [0, 1]."""
        self[LABELS] = WeightedLabels(self[LABELS], weights)


def _copy_array(array: np.ndarray) -> np.ndarray:
    """Copy what a mirrored view shows in the order of the memory.

    NumPy copies a mirrored image pixel by pixel, which takes longer than decoding it; mmdet's
    wrapper copies every image after it was flipped.
    """
    ordered = tuple(slice(None, None, -1 if stride < 0 else 1) for stride in array.strides)
    return array[ordered].copy()[ordered]


def box_weights(results: Mapping[str, Any]) -> np.ndarray:
    """Return the weights of the boxes of a pipeline's results, ``(N,)`` float32; else ones.

    Raises:
        UserError: There are weights, but not one per box, or one is not in [0, 1].
    """
    count = len(results['gt_bboxes'])
    weights = getattr(results.get(LABELS), 'weights', None)
    if weights is None:
        weights = results.get(WEIGHTS)
    if weights is None:
        return np.ones(count, np.float32)
    if len(weights) != count:
        raise UserError(
            f'{results.get("img_path", "an image")} has {count} boxes, but {len(weights)} box '
            f'weights: a transform of the pipeline changed gt_bboxes and neither indexed nor '
            f'joined {LABELS}; let it do the same to {WEIGHTS} (with mmdet.Albu: add {WEIGHTS!r} '
            'to label_fields)'
        )
    weights = np.asarray(weights, np.float32)
    if not ((weights >= 0) & (weights <= 1)).all():
        raise UserError(
            f'{results.get("img_path", "an image")} has the box weights {weights.tolist()}: they '
            f'should be in [0, 1]; mend what sets {WEIGHTS}'
        )
    return weights


def check_listening(source: str) -> None:
    """Refuse to make weights for a training whose loss does not follow them.

    A training tells MMEngine's message hub its stage, which the data loader's workers
    inherit. Outside of trainings nothing is checked.

    Args:
        source: What makes the weights.

    Raises:
        UserError: A training runs without ``BoxWeightsHook``.
    """
    hub = MessageHub.get_current_instance()
    if hub.get_info('loop_stage') == 'train' and not hub.get_info(LISTENING, False):
        raise UserError(
            f'{source} gives boxes weights, but the losses of this training do not follow them: '
            "add dict(type='mmvisx.BoxWeightsHook') to custom_hooks and end the training pipeline "
            "with dict(type='mmvisx.PackDetInputs'), or, to train unweighted, set "
            'DetectionMixUp(weighted=False)'
        )
