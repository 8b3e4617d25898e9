"""What several places ask of any network: its inside, modes, names of layers, other methods."""

from __future__ import annotations

import types
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from mmengine.model import is_model_wrapper
from torch import nn

__all__ = ['class_name', 'mix_in', 'mixed_in', 'modes_kept', 'name_layers', 'unwrap']


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


def class_name(part: Any) -> str:
    """Return the name of an object's class, without those mixed in by :func:`mix_in`."""
    return _parents(type(part))[-1].__name__


def mix_in(part: Any, mixin: type) -> None:
    """Put the methods of ``mixin`` before those of the class that ``part`` is of, in place.

    For changing what a built network does without a word in its config. Its class becomes one of
    ``mixin`` and the class it had, so ``super()`` in the mixin is the object as it was; attributes,
    parameters and names stay. The object can be copied and pickled as before. Nothing happens to
    one that has the mixin.

    Args:
        part: A network, a part of one, or what it uses.
        mixin: Methods only: its ``__init__`` is not called.
    """
    if not isinstance(part, mixin):
        part.__class__ = _mixed(mixin, *_parents(type(part)))


@contextmanager
def mixed_in(part: Any, mixin: type, **state: Any) -> Iterator[None]:
    """Have :func:`mix_in` for the duration of a context, with attributes for its methods.

    Args:
        part: As of :func:`mix_in`.
        mixin: As of :func:`mix_in`.
        **state: Attributes that ``part`` has within, under names it does not have otherwise.
    """
    before = part.__class__
    mix_in(part, mixin)
    vars(part).update(state)
    try:
        yield
    finally:
        for name in state:
            del vars(part)[name]
        part.__class__ = before


def _parents(cls: type) -> tuple[type, ...]:
    """Return what a class was mixed from, or the class itself."""
    return vars(cls).get('_mixed_from', (cls,))


@cache
def _mixed(mixin: type, *parents: type) -> type:
    if len(parents) == 1 and issubclass(mixin, parents[0]):
        return mixin  # a subclass that anyone can import

    def fill(namespace: dict[str, Any]) -> None:
        namespace.update(
            __module__=mixin.__module__,
            __doc__=mixin.__doc__,
            __reduce_ex__=_reduce,
            _mixed_from=(mixin, *parents),
        )

    name = f'{mixin.__name__}[{parents[-1].__name__}]'
    return types.new_class(name, (mixin, *parents), exec_body=fill)


def _reduce(part: Any, protocol: Any) -> tuple[Any, ...]:
    """Let pickle look for the classes that a class was mixed from: it is found nowhere itself."""
    made: Any = object.__reduce_ex__(part, max(int(protocol), 2))
    make, (cls, *rest), *state = made
    return (_remake, (make, _parents(cls), *rest), *state)


def _remake(make: Any, parents: tuple[type, ...], *rest: Any) -> Any:
    return make(_mixed(*parents), *rest)
