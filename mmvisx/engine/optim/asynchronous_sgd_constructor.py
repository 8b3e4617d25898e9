"""Build an optimizer for each part of a multi-task model."""

from __future__ import annotations

from typing import Any

from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS, OPTIMIZERS
from torch import nn

from mmvisx.registry import OPTIM_WRAPPER_CONSTRUCTORS
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import unwrap

from .asynchronous_sgd import TRUNK

__all__ = ['AsynchronousSGDConstructor']


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class AsynchronousSGDConstructor(DefaultOptimWrapperConstructor):
    """Give the trunk and every head of a model with ``task_heads`` its own optimizer.

    ``optimizer`` and ``paramwise_cfg`` of the config are as for MMEngine's own constructor, with
    the names of the whole model (``custom_keys={'backbone': dict(lr_mult=0.1)}``). ``clip_grad``
    clips each part by itself.

    Raises:
        UserError: The model has no ``task_heads``, or nothing to train.

    Source: 002, section 6.1, "Optimization".
    """

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Build ``mmvisx.AsynchronousSGD``, or what ``type`` names."""
        model = unwrap(model)
        heads = getattr(model, 'task_heads', None)
        if heads is None:
            raise UserError(
                f'AsynchronousSGDConstructor: {type(model).__name__} has no task_heads; it is for '
                'mmvisx.MultiTaskSegmentor'
            )
        owner = {id(p): task for task, head in heads.items() for p in head.parameters()}
        parts: dict[str, list[dict]] = {TRUNK: [], **{task: [] for task in heads}}
        every: list[dict] = []
        self.add_params(every, model)
        for group in every:
            parts[owner.get(id(group['params'][0]), TRUNK)].append(group)
        cfg = self.optim_wrapper_cfg.copy()
        cfg.setdefault('type', 'mmvisx.AsynchronousSGD')
        clip = cfg.pop('clip_grad', None)
        wrappers = {
            name: OptimWrapper(
                OPTIMIZERS.build(dict(self.optimizer_cfg, params=_merge(groups))),
                clip_grad=None if clip is None else dict(clip),
            )
            for name, groups in parts.items()
            if groups
        }
        if not wrappers:
            raise UserError('AsynchronousSGDConstructor: every parameter of the model is frozen')
        return OPTIM_WRAPPERS.build(cfg, default_args=wrappers)


def _merge(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join groups of one parameter with the same options: fewer, larger kernels."""
    merged: dict[tuple, dict[str, Any]] = {}
    for group in groups:
        options = {key: value for key, value in group.items() if key != 'params'}
        key = tuple(sorted((name, repr(value)) for name, value in options.items()))
        merged.setdefault(key, dict(options, params=[]))['params'].extend(group['params'])
    return list(merged.values())
