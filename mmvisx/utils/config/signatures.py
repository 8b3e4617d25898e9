"""Which names a config entry may have: constructor signatures of registered types."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import mmengine.registry as roots
from mmengine.optim import OptimWrapper
from mmengine.registry import Registry, init_default_scope
from mmengine.runner import LogProcessor, Runner, set_random_seed
from torch import nn
from torch.utils.data import DataLoader

# What Runner.from_cfg reads, and what this package's tools read.
RUNNER_KEYS = frozenset(inspect.signature(Runner.__init__).parameters) - {'self', 'cfg'} | {
    'activation_checkpointing',
    'compile',
    'custom_imports',
    'efficient_conv_bn_eval',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'runner_type',
    'sync_bn',
    'tta_model',
    'tta_pipeline',
}

# Words of annotations
_NUMBERS = frozenset({'int', 'float', 'bool'})
_AROUND_NUMBERS = frozenset(
    {'None', 'NoneType', 'Optional', 'Union', 'typing', 'collections', 'abc'}
    | {'Sequence', 'Iterable', 'Tuple', 'tuple', 'List', 'list'}
)


def constructor_parameters(
    target: Callable[..., Any],
) -> tuple[dict[str, inspect.Parameter], bool]:
    """Return the named parameters of a class or function, and whether it takes any other.

    ``**kwargs`` are followed up the base classes; they count as open only when no base
    class names its arguments. ``nn.Module`` names none, so it closes the list.
    """
    if not inspect.isclass(target):
        parameters = inspect.signature(target).parameters.values()
        is_open = any(p.kind is p.VAR_KEYWORD for p in parameters)
        return {p.name: p for p in parameters if p.kind is not p.VAR_KEYWORD}, is_open
    found: dict[str, inspect.Parameter] = {}
    for cls in target.__mro__:
        if cls in (nn.Module, object):
            return found, cls is object
        if '__init__' not in vars(cls):
            continue
        parameters = inspect.signature(vars(cls)['__init__']).parameters.values()
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        found = {p.name: p for p in parameters if p.kind in kinds and p.name != 'self'} | found
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            return found, False
    return found, True


def constructor_arguments(target: Callable[..., Any]) -> tuple[set[str], bool]:
    """Return the names of :func:`constructor_parameters`."""
    parameters, is_open = constructor_parameters(target)
    return set(parameters), is_open


def wants_number(parameter: inspect.Parameter) -> bool:
    """Whether a parameter is annotated as a number, or numbers, or has one as its default."""
    if parameter.annotation is parameter.empty:
        return isinstance(parameter.default, int | float)
    words = set(re.findall(r'\w+', inspect.formatannotation(parameter.annotation)))
    return bool(words & _NUMBERS) and words <= _NUMBERS | _AROUND_NUMBERS


def root_registries() -> list[Registry]:
    """Return MMEngine's root registries."""
    return [r for r in vars(roots).values() if isinstance(r, Registry) and r.parent is None]


def _import_registries(scope: str) -> None:
    """Let MMEngine's registries know those of a library, which hang on them once imported."""
    if find_spec(scope) is not None and find_spec(f'{scope}.registry') is not None:
        import_module(f'{scope}.registry')


def resolve_type(name: Any, scope: str = 'mmdet') -> Callable[..., Any] | None:
    """Return the class or function that ``type=name`` means, None when there is none."""
    if not isinstance(name, str):
        return name if callable(name) else None
    init_default_scope(scope)
    _import_registries(scope)
    for root in root_registries():
        try:
            found = root.children.get(scope, root).get(name)
        except RuntimeError:  # MMEngine's way to say that the name is not in this registry
            continue
        if found is not None:
            return found
    return None


def registered_names(scope: str = 'mmdet') -> set[str]:
    """Return every name that a ``type`` could have, those of this package as ``mmvisx.Name``."""
    names: set[str] = set()
    _import_registries(scope)
    for root in root_registries():
        names |= set(root._module_dict)
        for child_scope, child in list(root._children.items()):  # imports add to them
            if child_scope in (scope, 'mmvisx'):
                child.import_from_location()
                prefix = '' if child_scope == scope else f'{child_scope}.'
                names |= {prefix + key for key in child._module_dict}
    return names


def _names_of(target: Callable[..., Any], *more: str) -> Callable[[], set[str]]:
    return lambda: constructor_arguments(target)[0] | set(more)


# Dicts that MMEngine reads without a ``type``: (end of the last name, names it may have).
PLAIN_DICTS: tuple[tuple[str, Callable[[], set[str]]], ...] = (
    ('_dataloader', _names_of(DataLoader, 'num_batch_per_epoch')),
    ('optim_wrapper', _names_of(OptimWrapper, 'constructor', 'paramwise_cfg')),
    ('log_processor', _names_of(LogProcessor)),
    ('randomness', _names_of(set_random_seed)),
    ('auto_scale_lr', lambda: {'enable', 'base_batch_size'}),
    ('env_cfg', lambda: {'cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'}),
    ('mp_cfg', lambda: {'mp_start_method', 'opencv_num_threads'}),
    ('dist_cfg', lambda: {'backend', 'timeout', 'init_backend'}),
    ('train_cfg', lambda: {'by_epoch', 'max_epochs', 'max_iters', 'val_begin', 'val_interval'}),
    ('val_cfg', lambda: {'fp16'}),
    ('test_cfg', lambda: {'fp16'}),
    ('param_scheduler', lambda: {'convert_to_iter_based'}),
    ('metainfo', lambda: {'classes', 'mirrored_classes', 'palette'}),
    (
        'default_hooks',
        lambda: (
            {'timer', 'logger', 'param_scheduler', 'checkpoint', 'sampler_seed'}
            | {'runtime_info', 'visualization'}
        ),
    ),
)
