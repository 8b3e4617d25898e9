"""Tell layers their own place in the model, for error messages."""

from __future__ import annotations

from torch import nn

__all__ = ['name_layers']


def name_layers(root: nn.Module, prefix: str = '') -> None:
    """Set ``layer_name`` on every module below ``root`` that has that attribute."""
    for name, module in root.named_modules():
        if hasattr(module, 'layer_name'):
            module.layer_name = f'{prefix}.{name}' if prefix else name
