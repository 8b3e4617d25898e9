"""Random changes of frames with segments and depth: one draw for both frames of a pair.

All act on ``img``, ``gt_panoptic_map`` and ``gt_depth_map``, and on the same with ``next_`` before
it, and keep ``img_shape``. Maps take the nearest pixel, so that depth may be sparse and ids stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmpretrain.datasets.transforms import AutoAugment
from mmpretrain.datasets.transforms.auto_augment import AUTOAUG_POLICIES

from mmvisx.registry import TRANSFORMS
from mmvisx.utils.errors import UserError

__all__ = [
    'FrameAutoAugment',
    'RandomFrameCrop',
    'RandomFrameFlip',
    'RandomFrameRotation',
    'RandomFrameScale',
]

_SCALES = tuple(k / 10 for k in range(5, 21))
# What a pixel without a frame has: black, void, unknown.
_EMPTY = {'img': 0, 'gt_panoptic_map': 255, 'gt_depth_map': 0}
_COLOUR = {
    *('AutoContrast', 'Brightness', 'ColorTransform', 'Contrast', 'Equalize', 'Invert'),
    *('Posterize', 'Sharpness', 'Solarize', 'SolarizeAdd'),
}


def _arrays(results: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each array's key and what it is."""
    for prefix in ('', 'next_'):
        for kind in _EMPTY:
            if f'{prefix}{kind}' in results:
                yield f'{prefix}{kind}', kind


def _apply(results: dict[str, Any], change: Callable[[np.ndarray, str], np.ndarray]) -> None:
    """Change every array by a function of it and of what it is."""
    for key, kind in _arrays(results):
        results[key] = change(results[key], kind)
    results['img_shape'] = results['img'].shape[:2]


@TRANSFORMS.register_module()
class RandomFrameScale(BaseTransform):
    """Resize to one of several multiples of the size; depth is divided by it.

    What is s times as large in the image looks s times as near.

    Args:
        scales: To draw from.

    Raises:
        UserError: A scale is not positive.

    Source: 001, chapter 7; scales and the division of the authors' code.
    """

    def __init__(self, scales: Sequence[float] = _SCALES) -> None:
        if not scales or min(scales) <= 0:
            raise UserError(f'RandomFrameScale: scales={list(scales)} must all be above 0')
        self.scales = tuple(scales)

    @cache_randomness
    def _draw(self) -> float:
        return float(self.scales[np.random.randint(len(self.scales))])

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Resize; sets ``scale_factor`` (width, height)."""
        scale = self._draw()
        height, width = (max(1, round(side * scale)) for side in results['img'].shape[:2])

        def change(array: np.ndarray, kind: str) -> np.ndarray:
            way = 'bilinear' if kind == 'img' else 'nearest'
            resized: np.ndarray = mmcv.imresize(array, (width, height), interpolation=way)
            return resized / np.float32(scale) if kind == 'gt_depth_map' else resized

        _apply(results, change)
        results['scale_factor'] = (scale, scale)
        return results


@TRANSFORMS.register_module()
class RandomFrameCrop(BaseTransform):
    """Cut a window of a fixed size out, at a random place.

    Args:
        size: Height and width of the window.
        pad: Whether smaller frames get a black, void border below and to the right first.

    Raises:
        UserError: The window is larger than the frame, and ``pad`` is not set.

    Source: 001, chapter 7; of the authors' code.
    """

    def __init__(self, size: tuple[int, int], pad: bool = False) -> None:
        self.size, self.pad = tuple(size), pad

    @cache_randomness
    def _draw(self, room: tuple[int, int]) -> tuple[int, int]:
        return np.random.randint(room[0] + 1), np.random.randint(room[1] + 1)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pad where needed, and crop."""
        shape = results['img'].shape[:2]
        lacking = [max(0, wanted - side) for wanted, side in zip(self.size, shape, strict=True)]
        if any(lacking) and not self.pad:
            raise UserError(
                f'RandomFrameCrop: size={self.size} (height, width) is larger than '
                f'{results.get("img_path")}, which has {shape} here: choose a smaller size, or '
                'set pad=True'
            )
        top, left = self._draw(
            tuple(max(0, side - wanted) for wanted, side in zip(self.size, shape, strict=True))
        )

        def change(array: np.ndarray, kind: str) -> np.ndarray:
            if any(lacking):
                border = [(0, lacking[0]), (0, lacking[1])] + [(0, 0)] * (array.ndim - 2)
                array = np.pad(array, border, constant_values=_EMPTY[kind])
            cut = array[top : top + self.size[0], left : left + self.size[1]]
            return np.ascontiguousarray(cut)

        _apply(results, change)
        return results


@TRANSFORMS.register_module()
class RandomFrameFlip(BaseTransform):
    """Exchange left and right.

    Args:
        prob: How often.

    Source: 001, chapter 7; of the authors' code.
    """

    def __init__(self, prob: float = 0.5) -> None:
        self.prob = prob

    @cache_randomness
    def _draw(self) -> bool:
        return bool(np.random.rand() < self.prob)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Flip; sets ``flip``."""
        results['flip'] = self._draw()
        if results['flip']:
            _apply(results, lambda array, kind: np.ascontiguousarray(array[:, ::-1]))
        return results


@TRANSFORMS.register_module()
class RandomFrameRotation(BaseTransform):
    """Turn around the middle; corners that nothing turns into are black, void and unknown.

    Depth stays: a camera that rolls about its axis sees the same depth.

    Args:
        degrees: Largest angle, to both sides.

    Source: 001, 7.5.3 ("+-5 degrees of random rotation").
    """

    def __init__(self, degrees: float = 5.0) -> None:
        self.degrees = degrees

    @cache_randomness
    def _draw(self) -> float:
        return float(np.random.uniform(-self.degrees, self.degrees))

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Turn."""
        angle = self._draw()

        def change(array: np.ndarray, kind: str) -> np.ndarray:
            way = 'bilinear' if kind == 'img' else 'nearest'
            turned: np.ndarray = mmcv.imrotate(
                array, angle, border_value=_EMPTY[kind], interpolation=way
            )
            return turned

        _apply(results, change)
        return results


def _colour_policies() -> list[list[dict[str, Any]]]:
    """AutoAugment's policies for ImageNet without what moves pixels."""
    policies = [
        [
            dict(step, type=f'mmpretrain.{step["type"]}')
            for step in policy
            if step['type'] in _COLOUR
        ]
        for policy in AUTOAUG_POLICIES['imagenet']
    ]
    return [policy for policy in policies if policy]


@TRANSFORMS.register_module()
class FrameAutoAugment(AutoAugment):
    """Change colours by a random policy of AutoAugment, those of a pair as if they were one image.

    Policies are those for ImageNet, without what would move pixels away from their labels.

    Source: 001, Table 7-III ("AutoAug").
    """

    def __init__(self) -> None:
        super().__init__(_colour_policies())

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change ``img`` and ``next_img``."""
        names = [key for key, kind in _arrays(results) if kind == 'img']
        both = dict(img=np.concatenate([results[name] for name in names]))
        changed: Any = super().transform(both)
        results.update(zip(names, np.split(changed['img'], len(names)), strict=True))
        return results
