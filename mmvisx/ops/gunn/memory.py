"""Gradual updates that keep one map instead of one for each unit (GUNN, Algorithm 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from mmvisx.utils.errors import UserError

from .replay import Recording, autocast_of_now
from .update import run_unit, split_channels

__all__ = ['gradual_update_in_place']


def gradual_update_in_place(x: Tensor, units: Sequence[nn.Module], residual: bool = True) -> Tensor:
    """Compute :func:`gradual_update` in the memory of one map (Algorithm 2).

    The backward pass keeps the input and the output; the state before any update is put
    together from them. What happens inside a unit is computed anew there, with the autocast
    state, training mode, buffers and random numbers of the first time. Buffers, for example
    the running statistics of batch norm, are updated the first time only.

    Args:
        x: Features, ``(B, N, ...)``; they are not changed.
        units: ``P`` modules, ``(B, N, ...)`` to ``(B, N / P, ...)``.
        residual: As in :func:`gradual_update`.

    Returns:
        The updated features.

    Raises:
        UserError: As :func:`gradual_update`. In the backward pass: the input, the output or a
            parameter was changed in place since.
        RuntimeError: In the backward pass: a second derivative is asked for, which only the
            plain function has.
    """
    parameters = [parameter for unit in units for parameter in unit.parameters()]
    if torch.is_grad_enabled() and any(t.requires_grad for t in (x, *parameters)):
        out = _GradualUpdate.apply(x, tuple(units), residual, *parameters)
        out.grad_fn.register_prehook(_own_gradient)
        return out
    state = x.clone()
    for index, (unit, segment) in enumerate(
        zip(units, split_channels(state, len(units)), strict=True)
    ):
        _write(segment, run_unit(unit, state, segment.shape, index), residual)
    return state


def _own_gradient(grads: tuple[Tensor | None, ...]) -> tuple[Tensor | None, ...]:
    """Give the backward pass gradients that it may change: others may hold the incoming ones.

    Done there, the incoming one would live on beside its copy to the end of that pass.
    """
    return tuple(grad if grad is None else grad.clone() for grad in grads)


def _write(segment: Tensor, out: Tensor, residual: bool) -> None:
    if residual:
        segment.add_(out)
    else:
        segment.copy_(out)


def _gradients(out: Tensor, inputs: Sequence[Tensor], grad: Tensor) -> list[Tensor | None]:
    """Return the gradients of those inputs that need and have one."""
    wanted = [tensor for tensor in inputs if tensor.requires_grad]
    if not out.requires_grad:  # it depends on none of them
        return [None] * len(inputs)
    found = iter(torch.autograd.grad(out, wanted, grad, allow_unused=True))
    return [next(found) if tensor.requires_grad else None for tensor in inputs]


class _GradualUpdate(torch.autograd.Function):
    """The parameters are inputs, so that hooks and DDP get their gradients from autograd."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, units: tuple[nn.Module, ...], residual: bool, *parameters: Tensor
    ) -> Tensor:
        ctx.residual = residual
        ctx.autocast = autocast_of_now(x.device.type)
        ctx.recordings = []
        state = x.clone()
        with ctx.autocast():
            for index, (unit, segment) in enumerate(
                zip(units, split_channels(state, len(units)), strict=True)
            ):
                recording = Recording(unit, x.device)
                _write(segment, run_unit(unit, state, segment.shape, index), residual)
                recording.called()
                ctx.recordings.append(recording)
        ctx.save_for_backward(x, state, *parameters)
        return state

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, state, *parameters = _saved(ctx)
        # Views of the gradient of the present state; _own_gradient has made it ours.
        grads = split_channels(grad, len(ctx.recordings))
        need_x, _, _, *needs = ctx.needs_input_grad
        # Room for their gradients beforehand: small blocks that stay, strewn among the large
        # ones that come and go below, would keep the allocator from using those again.
        rooms = [
            torch.empty_like(p) if need else None for p, need in zip(parameters, needs, strict=True)
        ]
        results: list[Tensor | None] = [None] * len(parameters)
        end = len(parameters)
        with _Rewind(x, state, len(ctx.recordings)) as rewind:
            for index in reversed(range(len(ctx.recordings))):
                recording = ctx.recordings[index]
                names = [name for name, _ in recording.module.named_parameters()]
                start = end - len(names)
                # Whether anything before this unit learns.
                need_features = need_x or any(needs[:start])
                if not need_features and not any(needs[start:end]):
                    break
                features = rewind.before(index).detach().requires_grad_(need_features)
                leaves = {
                    name: parameters[i].detach().requires_grad_(needs[i])
                    for i, name in enumerate(names, start)
                }
                with torch.enable_grad(), ctx.autocast():
                    out = recording.replay(leaves, features)
                # A copy: the unit's gradients may come back as the very tensor that goes in.
                out_grad = grads[index].to(out.dtype, copy=True)
                if not ctx.residual:
                    grads[index].zero_()
                found = _gradients(out, [features, *leaves.values()], out_grad)
                if found[0] is not None:
                    grad.add_(found[0])  # Eq. 4.6: what the unit read adds to what passed it by
                for i, own in enumerate(found[1:], start):
                    room = rooms[i]
                    if room is not None and own is not None:
                        results[i] = room.copy_(own)
                del out, found
                end = start
        return (grad if need_x else None, None, None, *results)


def _saved(ctx: Any) -> tuple[Tensor, ...]:
    try:
        tensors: tuple[Tensor, ...] = ctx.saved_tensors
    except RuntimeError as error:
        if 'inplace operation' not in str(error):  # as where the graph has been freed
            raise
        raise UserError(
            f'something changes the output, the input or a parameter of a gradual update with '
            f'{len(ctx.recordings)} units in place before its backward pass, which needs them: '
            'set inplace=False in the layer behind it (nn.ReLU), step the optimizer after the '
            f'backward pass, or set memory_efficient=False ({error})'
        ) from error
    return tensors


class _Rewind:
    """The state before each update, in the memory of the layer's input and output.

    Segments change places between the two, and do so again at the end, so that no third map
    is needed and both hold in the end what they held. A tensor that is not an operation's
    result (a user's may be mapped from a file, or be one value repeated) is left alone.
    """

    def __init__(self, x: Tensor, state: Tensor, number: int) -> None:
        own = x.grad_fn is not None and (
            x.is_contiguous() or x.is_contiguous(memory_format=torch.channels_last)
        )
        # `data`: autograd counts writes, and these leave no trace.
        self._state = state.data
        self._old = split_channels(x.data if own else x.clone(), number)
        self._new = split_channels(self._state, number)
        self._swapped: list[int] = []

    def __enter__(self) -> _Rewind:
        return self

    def before(self, index: int) -> Tensor:
        """Return the features that unit ``index`` read; call it from the last unit down."""
        self._swap(index)  # line 3 of Algorithm 2
        self._swapped.append(index)
        return self._state

    def __exit__(self, *error: object) -> None:
        for index in self._swapped:
            self._swap(index)

    def _swap(self, index: int) -> None:
        kept = self._old[index].clone()
        self._old[index].copy_(self._new[index])
        self._new[index].copy_(kept)
