"""The size of the images that a recipe feeds its network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config

from mmvisx.utils.errors import UserError
from mmvisx.utils.tasks import task_of

from .build import name_of

__all__ = ['input_shape']

_PADDED_TO = 32  # sides of images whose shape is kept; what feature pyramids divide by


def input_shape(cfg: Config) -> tuple[int, int]:
    """Return height and width of what a recipe feeds its network, in pixels.

    Detectors: the test pipeline's size, or, where images keep their shape, the largest they can
    be, padded to multiples of 32. Classifiers: the test pipeline's crop. Segmentors, and others
    whose test images have many sizes: the crop they are trained on.

    Raises:
        UserError: The pipelines do not say it.
    """
    kinds = [('test', 'CenterCrop'), ('test', 'Resize')] if task_of(cfg).one_test_size else []
    kinds += [('train', 'RandomCrop'), ('train', 'RandomResizedCrop'), ('test', 'Resize')]
    for split, kind in kinds:
        for step in reversed(_steps(cfg.get(f'{split}_dataloader') or {})):
            if name_of(step) == kind:
                size = step.get('crop_size', step.get('scale'))
                if isinstance(size, int):
                    return size, size
                if isinstance(size, Sequence) and all(isinstance(v, int) for v in size):
                    return _of_resize(step, size) if kind == 'Resize' else (size[0], size[1])
    raise UserError('the pipelines of the config do not say a size: give --shape HEIGHT WIDTH')


def _steps(node: Any) -> list[dict[str, Any]]:
    """The steps of the first pipeline below a data loader's config, wrappers' last."""
    if not isinstance(node, Mapping):
        return []
    inner = node.get('dataset') or (node.get('datasets') or [None])[0]
    return [*_steps(inner), *(node.get('pipeline') or [])]


def _of_resize(step: Mapping[str, Any], size: Sequence[int]) -> tuple[int, int]:
    """``scale`` is (width, height), and the long and the short edge in any order if it is kept."""
    if not step.get('keep_ratio'):
        return size[1], size[0]
    short, long = (-(-edge // _PADDED_TO) * _PADDED_TO for edge in sorted(size))
    return short, long
