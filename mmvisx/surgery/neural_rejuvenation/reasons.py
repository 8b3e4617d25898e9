"""Why the neurons of a convolution are fixed alive: one small function for each reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch_pruning.ops import OPTYPE

from .assemble import Candidate, Trace, is_depthwise, is_plain

__all__ = ['ADDED', 'GATED', 'Coupled', 'coupled_reason', 'own_reason', 'read_coupled']

ADDED = 'added to a residual stream, or tied to other layers'
GATED = 'multiplied with what another layer gives, as by a squeeze-and-excitation gate'
# What a channel goes through without being mixed with others.
_THROUGH = (OPTYPE.ELEMENTWISE, OPTYPE.CONCAT, OPTYPE.RESHAPE, OPTYPE.SLICE, OPTYPE.SPLIT)


@dataclass(frozen=True)
class Coupled:
    """A layer or an operation that Torch-Pruning couples a convolution's outputs with.

    Args:
        role: ``'self'`` (the convolution's own outputs), ``'depthwise'``, ``'tied'`` (another
            layer whose outputs are coupled), ``'reader'``, ``'norm'``, ``'output'`` (of the
            network), ``'through'`` (an operation that leaves channels apart) or ``'unknown'``.
        module: The layer, or what Torch-Pruning has in the place of an operation.
        name: Of the layer; of an operation, what it is.
        operation: Of an element-wise operation the name of its gradient, else None.
        columns: Which inputs of a reader are coupled, and with which neurons.
    """

    role: str
    module: Any
    name: str
    operation: str | None
    columns: tuple[list[int], list[int]]


def read_coupled(
    items: Any, graph: Any, conv: nn.Conv2d, names: dict[nn.Module, str]
) -> Iterator[Coupled]:
    """Say of each item of a pruning group of Torch-Pruning's what it is to a convolution.

    Args:
        items: The pruning group of all outputs of ``conv``.
        graph: Torch-Pruning's graph.
        conv: The convolution.
        names: Of the network's layers.
    """
    for item in items:
        module, kind = item.dep.target.module, item.dep.target.type
        elementwise = kind == OPTYPE.ELEMENTWISE
        yield Coupled(
            role=_role(module, kind, conv, graph.is_out_channel_pruning_fn(item.dep.handler)),
            module=module,
            name=str(names.get(module, module)),
            operation=getattr(module, '_grad_fn', '') if elementwise else None,
            columns=(item.idxs, item.root_idxs),
        )


def _role(module: Any, kind: Any, conv: nn.Conv2d, outputs: bool) -> str:
    if module is conv and outputs:
        return 'self'
    if isinstance(module, nn.Conv2d) and is_depthwise(module):
        return 'depthwise'
    if isinstance(module, nn.Conv2d | nn.Linear):
        return 'tied' if outputs else 'reader'
    if isinstance(module, _BatchNorm):
        return 'norm'
    if kind == OPTYPE.OUTPUT:
        return 'output'
    return 'through' if kind in _THROUGH else 'unknown'


# --- what one coupled thing may be a reason for


def _strange_depthwise(part: Coupled, conv: nn.Conv2d) -> str | None:
    if part.role == 'depthwise' and not is_plain(part.module):
        return f'read by {part.name}, a {type(part.module).__name__}'
    return None


def _tied(part: Coupled, conv: nn.Conv2d) -> str | None:
    return ADDED if part.role == 'tied' else None


def _shared_norm(part: Coupled, conv: nn.Conv2d) -> str | None:
    # As a depthwise convolution of concatenated maps has it.
    if part.role == 'norm' and part.module.num_features != conv.out_channels:
        return f'normalised together with others by {part.name}'
    return None


def _strange_reader(part: Coupled, conv: nn.Conv2d) -> str | None:
    if part.role != 'reader':
        return None
    if isinstance(part.module, nn.Conv2d) and part.module.groups > 1:
        return f'read by {part.name} (grouped)'
    return None if is_plain(part.module) else f'read by {part.name} ({type(part.module).__name__})'


def _network_output(part: Coupled, conv: nn.Conv2d) -> str | None:
    return 'an output of the network' if part.role == 'output' else None


def _unknown_operation(part: Coupled, conv: nn.Conv2d) -> str | None:
    return f'read by {part.name}' if part.role == 'unknown' else None


CoupledReason = Callable[[Coupled, nn.Conv2d], str | None]
# Of several of these the last one that is met is named ...
STRONG: tuple[CoupledReason, ...] = (_strange_depthwise, _tied, _shared_norm)
# ... and else the first one of these.
WEAK: tuple[CoupledReason, ...] = (_strange_reader, _network_output, _unknown_operation)


def coupled_reason(parts: Sequence[Coupled], conv: nn.Conv2d) -> str:
    """Return why what a convolution is coupled with fixes its neurons; empty: it does not.

    Args:
        parts: What it is coupled with, in Torch-Pruning's order.
        conv: The convolution.
    """
    strong = _reasons(STRONG, parts, conv)
    weak = _reasons(WEAK, parts, conv)
    reason = strong[-1] if strong else next(iter(weak), '')
    return GATED if reason == ADDED and _is_gate(parts) else reason


def _reasons(
    table: Sequence[CoupledReason], parts: Sequence[Coupled], conv: nn.Conv2d
) -> list[str]:
    found = (reason(part, conv) for part in parts for reason in table)
    return [text for text in found if text]


def _is_gate(parts: Sequence[Coupled]) -> bool:
    """Whether tied layers meet in a product and in no sum."""
    operations = [part.operation for part in parts if part.operation is not None]
    sums = any(name.startswith('AddBackward') for name in operations)
    return not sums and any(name.startswith('MulBackward') for name in operations)


# --- what may be a reason in the convolution and its norms themselves


@dataclass(frozen=True)
class Own:
    """A candidate whose coupled layers are no reason, and where it stands.

    Args:
        candidate: The neurons.
        conv: Their convolution, of the network that was traced.
        follows: Names of what follows it and its depthwise convolutions directly.
        trace: What ran.
        model: The network before it was prepared for tracing.
    """

    candidate: Candidate
    conv: nn.Conv2d
    follows: Sequence[str | None]
    trace: Trace
    model: nn.Module


def _not_normalised(own: Own) -> str | None:
    convs, norms = 1 + len(own.candidate.depthwise), own.candidate.norms
    if len(own.follows) != convs or set(own.follows) != set(norms):
        return 'not followed by a batch normalisation of its own'
    return None


def _strange_convolution(own: Own) -> str | None:
    return None if is_plain(own.conv) else f'a {type(own.conv).__name__}'


def _grouped_convolution(own: Own) -> str | None:
    return f'a convolution of {own.conv.groups} groups' if own.conv.groups > 1 else None


def _called_again(own: Own) -> str | None:
    candidate = own.candidate
    parts = [candidate.conv, *candidate.depthwise, *candidate.norms, *candidate.columns]
    again = [part for part in parts if own.trace.calls.get(part, 0) > 1]
    return f'{again[0]} is called more than once' if again else None


def _frozen_scale(own: Own) -> str | None:
    for norm in own.candidate.norms:
        scale = getattr(own.model.get_submodule(norm), 'weight', None)
        if scale is None or not scale.requires_grad:
            return f'the scale of {norm} is not trained'
    return None


# The first one that is met is named.
OWN: tuple[Callable[[Own], str | None], ...] = (
    _not_normalised,
    _strange_convolution,
    _grouped_convolution,
    _called_again,
    _frozen_scale,
)


def own_reason(own: Own) -> str:
    """Return why a convolution's neurons are fixed by itself or its norms; empty: they are not."""
    return next((text for reason in OWN if (text := reason(own))), '')
