"""Turn a config into that of an ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.config import Config, ConfigDict

from mmvisx.utils.config import load_config
from mmvisx.utils.config.model import model_config
from mmvisx.utils.errors import UserError
from mmvisx.utils.tasks import task_of

__all__ = ['enable_ensemble', 'split_member']


def split_member(text: str) -> tuple[str | None, str]:
    """Split ``config.py:checkpoint.pth`` into its parts; without a config the first is None."""
    config, mark, checkpoint = text.partition('.py:')
    return (f'{config}.py', checkpoint) if mark else (None, text)


def enable_ensemble(cfg: Config, members: Sequence[str], allow_partial: bool = False) -> None:
    """Replace the model of ``cfg`` by an ensemble, in place.

    Args:
        members: Checkpoints of the config's model, or ``config.py:checkpoint`` for another one.
            Data and metrics are those of ``cfg``.
        allow_partial: See :class:`~mmvisx.models.classifiers.EnsembleClassifier`.

    Raises:
        UserError: a config is not one of a classifier.
    """
    models, checkpoints = [], []
    for text in members:
        path, checkpoint = split_member(text)
        models.append(_model(cfg if path is None else load_config(path), path or 'the config'))
        checkpoints.append(checkpoint)
    cfg.pop('data_preprocessor', None)  # each member has its own
    cfg.model = ConfigDict(
        type=task_of(cfg).ensemble,
        members=models,
        checkpoints=checkpoints,
        allow_partial=allow_partial,
    )


def _model(cfg: Config, name: str) -> dict[str, Any]:
    if task_of(cfg).ensemble is None or 'model' not in cfg:
        kind = cfg.get('model', {}).get('type')
        raise UserError(
            f'an ensemble averages the class probabilities of classifiers, but {name} is a config '
            f'with model.type={kind!r} and default_scope={task_of(cfg).scope!r}; give one '
            'checkpoint'
        )
    return model_config(cfg).to_dict()
