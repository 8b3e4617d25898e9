"""What co-training is built from, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmpretrain.models.classifiers.base import BaseClassifier
from mmpretrain.registry import MODELS as MMPRETRAIN_MODELS

from mmvisx.ops.co_training_attack import Attack
from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

__all__ = [
    'build_attack',
    'build_view',
    'check_arguments',
    'check_classes',
    'check_no_preprocessor',
]


def check_classes(classes: list[int]) -> None:
    """Raise a :class:`UserError` where views have different numbers of classes."""
    if len(set(classes)) > 1:
        raise UserError(f'views have different numbers of classes: {classes}')


def check_no_preprocessor(index: int, config: dict) -> None:
    """Raise a :class:`UserError` where a view has a preprocessor of its own."""
    if config.get('data_preprocessor') is not None:
        raise UserError(
            f'view {index} has a data_preprocessor of its own: give one to the whole model, which '
            'is used for all views'
        )


def check_arguments(
    views: Sequence[dict], real: bool, lambda_cot: float, lambda_dif: float
) -> None:
    """Raise a :class:`UserError` for a number of views or a weight that is out of range."""
    n = len(views)
    if n < 2:
        raise UserError(f'co-training needs at least 2 views, not {n}')
    if n % 2 and not real:
        raise UserError(f'{n} views cannot be fixed pairs: give an even number, or real=True')
    for name, value in (('lambda_cot', lambda_cot), ('lambda_dif', lambda_dif)):
        if not value >= 0:
            raise UserError(f'{name}={value!r} should be 0 or more')


def build_attack(attack: str | Mapping[str, Any] | Attack, default: Attack) -> Attack:
    """Return the attack that a config means; ``default`` for those that have a name."""
    if isinstance(attack, Mapping):
        attack = MODELS.build(dict(attack))
    if attack in ('fgsm', 'shared'):
        return default
    if isinstance(attack, str) or not callable(attack):
        raise UserError(
            f"attack={attack!r} is neither 'fgsm', 'shared' nor one that can be called, nor the "
            'config of one'
        )
    return attack


def build_view(index: int, config: dict) -> Any:
    """Return a classifier of mmpretrain whose head says how many classes it has."""
    check_no_preprocessor(index, config)
    view = MMPRETRAIN_MODELS.build(config)
    head = getattr(view, 'head', None)
    if not isinstance(view, BaseClassifier) or not hasattr(head, 'num_classes'):
        raise UserError(
            f'view {index}, {config.get("type")}, is no classifier whose head has num_classes'
        )
    return view
