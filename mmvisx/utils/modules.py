"""What several places ask of any network: its inside, its modes, the names of its layers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.model import is_model_wrapper
from torch import nn

__all__ = ['modes_kept', 'name_layers', 'unwrap']


def unwrap(model: nn.Module, *through: type[nn.Module]) -> Any:
    """Return the network inside the wrappers for distributed training.

    Args:
        model: A network, or one in any number of wrappers.
        *through: Further classes that hold a network as ``module`` and are to be gone through,
            as :class:`mmengine.model.BaseTTAModel` (views) or ``BaseAveragedModel``.
    """
    while is_model_wrapper(model) or isinstance(model, through):
        model = model.module  # type: ignore[assignment]
    return model


@contextmanager
def modes_kept(model: nn.Module) -> Iterator[None]:
    """Give every part of ``model`` its mode (training or evaluation) back at the end."""
    modes = [(part, part.training) for part in model.modules()]
    try:
        yield
    finally:
        for part, mode in modes:
            if part.training != mode:
                part.training = mode


def name_layers(root: nn.Module, prefix: str = '') -> None:
    """Set ``layer_name`` on every module below ``root`` that has that attribute."""
    for name, module in root.named_modules():
        if hasattr(module, 'layer_name'):
            module.layer_name = f'{prefix}.{name}' if prefix else name
