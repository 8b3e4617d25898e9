"""Parameters and multiply-adds of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmcv.ops import DeformConv2d, ModulatedDeformConv2d
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mmvisx.utils.errors import UserError
from mmvisx.utils.tasks import task_of

_PADDED_TO = 32  # sides of images whose shape is kept; what feature pyramids divide by


@dataclass
class Complexity:
    """Parameters and multiply-adds of one image, for the model and for its parts."""

    params: int
    macs: int
    parts: dict[str, tuple[int, int]]  # name -> (params, macs)

    def table(self) -> str:
        """Return a text table in millions and billions."""
        rows = [*self.parts.items(), ('all', (self.params, self.macs))]
        lines = [f'{"part":<16}{"parameters":>14}{"multiply-adds":>16}']
        for name, (params, macs) in rows:
            lines.append(f'{name:<16}{params / 1e6:>12.3f} M{macs / 1e9:>14.3f} G')
        return '\n'.join(lines)


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
            if str(step.get('type')).rsplit('.', 1)[-1] == kind:
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


def measure_complexity(model: nn.Module, shape: tuple[int, int]) -> Complexity:
    """Count one forward pass without post-processing on an image of ``shape`` (height, width).

    Counted are convolutions and matrix products, as they are executed: a recursive
    pyramid's backbones count as often as they run, region heads as many proposals as the
    model's ``test_cfg.rpn.max_per_img`` lets through. Not counted: normalisation,
    activations, pooling, RoIAlign, NMS and the sampling of deformable convolutions (their
    matrix products are). One multiply-add is what OpenMMLab calls a FLOP.

    Args:
        model: A detector, segmentor or classifier; it is put in eval mode.
        shape: Height and width in pixels.
    """
    model = revert_sync_batchnorm(model).eval()
    inputs = torch.zeros(1, 3, *shape)
    meta = dict(
        img_shape=shape,
        ori_shape=shape,
        pad_shape=shape,
        batch_input_shape=shape,
        scale_factor=(1.0, 1.0),
        flip=False,
        flip_direction=None,
    )
    samples = [DetDataSample(metainfo=meta)]
    extra: dict[str, int] = {}
    handles = _watch_deformable(model, extra)
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model(inputs, samples, mode='tensor')
    finally:
        for handle in handles:
            handle.remove()
    counts = counter.get_flop_counts()
    root = type(model).__name__
    parts = {}
    for name, child in model.named_children():
        params = sum(p.numel() for p in child.parameters())
        flops = _flops_of(child, f'{root}.{name}', counts)
        added = sum(v for key, v in extra.items() if key.startswith(f'{name}.'))
        if params:
            parts[name] = (params, flops // 2 + added)
    total = counter.get_total_flops() // 2 + sum(extra.values())
    return Complexity(sum(p.numel() for p in model.parameters()), total, parts)


def _flops_of(module: nn.Module, name: str, counts: Mapping[str, Mapping[Any, int]]) -> int:
    # mmdet calls roi_head.forward directly, which torch's counter does not see as a module.
    if name in counts:
        return sum(counts[name].values())
    children = module.named_children()
    return sum(_flops_of(child, f'{name}.{key}', counts) for key, child in children)


def _watch_deformable(model: nn.Module, extra: dict[str, int]) -> list:
    """Count mmcv's own deformable convolutions, which torch's counter does not see."""

    def watch(name: str, module: Any) -> torch.utils.hooks.RemovableHandle:
        def hook(_: nn.Module, __: Sequence[Tensor], output: Tensor) -> None:
            taps = module.weight[0].numel()  # input channels per group x kernel area
            extra[name] = extra.get(name, 0) + output.numel() * taps

        return module.register_forward_hook(hook)

    kinds = (DeformConv2d, ModulatedDeformConv2d)
    return [watch(n, m) for n, m in model.named_modules() if isinstance(m, kinds)]
