"""A training step in a file, to be repeated: :mod:`mmvisx.apis.replay`.

The file is a checkpoint of the network before the step, with one entry more, :data:`STEP`: what the
network was given, the random state and the losses that came out. All is plain data, which
``torch.load(file, weights_only=True)`` reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.runner import Runner
from torch import Tensor

from mmvisx.engine.hooks.architecture import ArchitectureHook, KeepArchitectureHook
from mmvisx.engine.non_finite import ForwardCall
from mmvisx.structures.plain_batch import from_plain, to_plain
from mmvisx.utils.checkpoint_file import write_checkpoint
from mmvisx.utils.modules import unwrap

__all__ = ['STEP', 'call_of', 'write_record']

STEP = 'non_finite_step'
PROGRESS = ('iter', 'epoch', 'max_iters', 'max_epochs')


def write_record(
    runner: Runner, call: ForwardCall, losses: Mapping[str, Tensor | Sequence[Tensor]]
) -> str:
    """Write the step into the work dir; returns a sentence that says where, or why not.

    Args:
        call: What the network was given.
        losses: What it returned: terms ``()`` or ``(N, ...)``.
    """
    name = f'non_finite_iter_{runner.iter + 1}'
    path = Path(runner.work_dir) / (
        f'{name}_rank_{get_rank()}.pth' if get_rank() else f'{name}.pth'
    )
    model = unwrap(runner.model)
    try:
        step = dict(
            _call_to_plain(call),
            losses=to_plain(dict(losses)),
            eval_modules=[name for name, m in model.named_modules() if not m.training],
            progress={k: getattr(runner, k) for k in PROGRESS},
            threads=torch.get_num_threads(),
        )
    except TypeError as error:
        return f'The step is not saved: {error}. '
    meta: dict[str, Any] = dict(
        cfg=runner.cfg.pretty_text, dataset_meta=to_literals(getattr(model, 'dataset_meta', None))
    )
    content: dict[str, Any] = dict(meta=meta, state_dict=model.state_dict())
    for hook in runner.hooks:  # a network that was rebuilt
        if isinstance(hook, ArchitectureHook | KeepArchitectureHook):
            hook.before_save_checkpoint(runner, content)
    content[STEP] = step
    write_checkpoint(content, path)
    return f'Repeat the step: mmvisx replay {path}. '


def to_literals(meta: Any) -> dict[str, Any]:
    """Names of the classes, which a model is built with."""
    return {'classes': list(meta['classes'])} if meta and meta.get('classes') else {}


def _call_to_plain(call: ForwardCall) -> dict[str, Any]:
    state = dict(call.random)
    kind, key, *rest = state['numpy']
    state['numpy'] = (kind, key.tolist(), *rest)
    return dict(
        args=to_plain(call.args),
        kwargs=to_plain(call.kwargs),
        random=state,
        autocast=call.autocast,
    )


def call_of(step: Mapping[str, Any], device: torch.device) -> ForwardCall:
    """Return the call of a record, its tensors on a device."""
    state = dict(step['random'])
    kind, key, *rest = state['numpy']
    state['numpy'] = (kind, np.array(key, np.uint32), *rest)
    args, kwargs = (from_plain(step[key], device) for key in ('args', 'kwargs'))
    return ForwardCall(args, kwargs, state, step['autocast'])
