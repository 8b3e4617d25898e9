"""Repeat a training step that was not finite, from the file that the training wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import MessageHub
from torch import Tensor

from mmvisx.apis.build import build_model
from mmvisx.engine.non_finite import bad_gradients, first_bad_module, run_again
from mmvisx.engine.step_record import STEP, call_of
from mmvisx.structures.plain_batch import from_plain
from mmvisx.utils.checkpoint import read_checkpoint
from mmvisx.utils.config.in_checkpoint import config_in
from mmvisx.utils.errors import UserError

__all__ = ['Replayed', 'replay']


@dataclass
class Replayed:
    """What a step gave, in the training and again.

    Attributes:
        terms: ``{loss term: (in the training, again)}``.
        same: Whether they are equal bit for bit, NaN included.
        module: First layer with a bad output.
        gradients: Parameters with a bad gradient of the sum of the losses.
    """

    terms: dict[str, tuple[float, float]]
    same: bool
    module: str | None
    gradients: list[str]


def replay(path: str | Path, device: str | None = None) -> Replayed:
    """Repeat a step: same weights, batch, random numbers, modes and number of threads.

    Args:
        path: ``non_finite_iter_N.pth`` of a work dir.
        device: As of the training by default, if it is there; on another the numbers differ.

    Raises:
        UserError: It is no such file, or its config is not to be trusted.
    """
    content = read_checkpoint(path)
    step = content.get(STEP)
    if step is None:
        raise UserError(
            f'{path} is no step to be repeated: give a file non_finite_iter_N.pth of a work dir'
        )
    trained_on_gpu = 'cuda' in step['random'] and torch.cuda.is_available()
    place = torch.device(device or ('cuda' if trained_on_gpu else 'cpu'))
    model: Any = build_model(config_in(content, path), path, place)
    model.train()
    for name, module in model.named_modules():
        module.training = name not in step['eval_modules']
    for key, value in step['progress'].items():
        MessageHub.get_current_instance().update_info(key, value)
    torch.set_num_threads(step['threads'])
    call = call_of(step, place)
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    losses = run_again(model, call)
    again, before = _terms(losses), _terms(from_plain(step['losses']))
    total = sum(v.mean() for k, v in again.items() if 'loss' in k and v.requires_grad)
    if isinstance(total, Tensor):
        total.backward()
    gradients = bad_gradients(list(model.named_parameters()))
    for buffer, value in buffers:
        buffer.copy_(value)
    same = again.keys() == before.keys() and all(
        _bits(again[name]) == _bits(value) for name, value in before.items()
    )
    means = {n: (float(v.mean()), float(again[n].detach().mean())) for n, v in before.items()}
    return Replayed(means, same, first_bad_module(model, call_of(step, place)), gradients)


def _terms(losses: Mapping[str, Tensor | Sequence[Tensor]]) -> dict[str, Tensor]:
    found = {}
    for name, value in losses.items():
        if isinstance(value, Tensor):
            found[name] = value.float()
        else:
            found |= {f'{name}[{k}]': item.float() for k, item in enumerate(value)}
    return found


def _bits(value: Tensor) -> bytes:
    return value.detach().cpu().contiguous().numpy().tobytes()
