"""Parameters and multiply-adds of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmcv.ops import DeformConv2d, ModulatedDeformConv2d
from mmdet.structures import DetDataSample
from mmengine.model import revert_sync_batchnorm
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mmvisx.registry import ANALYSES

__all__ = ['Complexity', 'MultiplyAdds']


@dataclass
class Complexity:
    """Parameters and multiply-adds of one image, for the model and for its parts."""

    params: int
    macs: int
    parts: dict[str, tuple[int, int]]  # name -> (params, macs)


@ANALYSES.register_module()
class MultiplyAdds:
    """Parameters and multiply-adds of a network and its parts."""

    def measure(self, model: nn.Module, shape: tuple[int, int]) -> Complexity:
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

    def draw(self, measured: Complexity) -> str:
        """Return what was measured as a text table in millions and billions, a part a line."""
        rows = [*measured.parts.items(), ('all', (measured.params, measured.macs))]
        lines = [f'{"part":<16}{"parameters":>14}{"multiply-adds":>16}']
        for name, (params, macs) in rows:
            lines.append(f'{name:<16}{params / 1e6:>12.3f} M{macs / 1e9:>14.3f} G')
        return '\n'.join(lines)


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
