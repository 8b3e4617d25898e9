"""Build what a config describes for use outside a runner: its model, its classes, its images."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose
from mmengine.registry import DATASETS, MODELS, DefaultScope, init_default_scope
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader, Subset

from mmvisx.utils.checkpoint import load_weights, read_checkpoint
from mmvisx.utils.config import load_config
from mmvisx.utils.config.explain import explain_config_errors
from mmvisx.utils.config.model import model_config
from mmvisx.utils.errors import UserError
from mmvisx.utils.tasks import task_of

__all__ = [
    'build_dataset',
    'build_model',
    'build_test_loader',
    'build_test_pipeline',
    'build_tested',
    'classes_of',
    'innermost',
    'meta_of',
    'name_of',
    'tested_steps',
]

# Steps of a pipeline that want annotations.
_LABEL_STEPS = ('LoadAnnotations', 'LoadSegAnnotations', 'LoadTaskAnnotations')


def build_model(
    cfg: str | Path | Config,
    checkpoint: str | Path | None = None,
    device: str | torch.device = 'cpu',
    allow_partial: bool = False,
) -> nn.Module:
    """Build the model of a config in eval mode, ready for images as its test set has them.

    Its ``data_preprocessor`` is the one a runner would take, and ``dataset_meta`` names the
    classes: those of the checkpoint (MMEngine saves them in training), else those of the
    config's test data; it is empty where neither has any.

    Args:
        cfg: Config, its file or the name of a packaged one.
        checkpoint: Weights; ``None`` leaves those that the layers are made with.
        device: ``'cpu'``, ``'cuda:0'``, ...
        allow_partial: Accept a checkpoint that lacks weights of the model.

    Raises:
        UserError: the config has no model or a wrong one, or the checkpoint does not exist or
            does not fit.
    """
    cfg = cfg if isinstance(cfg, Config) else load_config(cfg)
    init_default_scope(task_of(cfg).scope)
    with explain_config_errors(cfg):
        model: Any = MODELS.build(model_config(cfg))
    meta: dict[str, Any] = {}
    if checkpoint is not None:
        content = read_checkpoint(checkpoint)
        load_weights(model, content, checkpoint, 'partial' if allow_partial else 'exact')
        saved = content.get('meta', {}).get('dataset_meta') or {}
        meta = {key.lower(): value for key, value in saved.items()}  # older ones: CLASSES
    if not (meta.get('classes') or meta.get('tasks')):
        meta = classes_of(cfg)
    model.dataset_meta = meta
    return model.to(device).eval()


def classes_of(cfg: Config) -> dict[str, Any]:
    """Return ``classes`` and ``palette`` of a config's test data without reading its files.

    Of several tasks they stand in ``tasks``, by the task's name. Empty where the config has no
    test data.
    """
    loader = cfg.get('test_dataloader')
    if not loader:
        return {}
    with explain_config_errors(cfg):
        return meta_of(loader.dataset, task_of(cfg).scope)


def meta_of(dataset: Mapping[str, Any], scope: str) -> dict[str, Any]:
    """Return classes and palette of a data set's config without reading its files."""
    if 'tasks' in dataset:
        return dict(tasks={name: meta_of(cfg, scope) for name, cfg in dataset['tasks'].items()})
    inner = _wrapped(dataset)
    if inner is not None:
        return meta_of(inner, scope)
    kind = dataset['type']
    if isinstance(kind, str):
        with DATASETS.switch_scope_and_registry(scope) as registry:
            kind = registry.get(kind)
    return {**(getattr(kind, 'METAINFO', None) or {}), **(dataset.get('metainfo') or {})}


def _wrapped(dataset: Mapping[str, Any]) -> Any:
    return dataset.get('dataset') or next(iter(dataset.get('datasets') or ()), None)


def innermost(dataset: ConfigDict) -> ConfigDict:
    """Return the data set with the pipeline, inside its wrappers.

    Raises:
        UserError: None has a pipeline.
    """
    while 'pipeline' not in dataset:
        inner = _wrapped(dataset)
        if inner is None:
            raise UserError('test_dataloader.dataset of the config has no pipeline')
        dataset = inner
    return dataset


def name_of(step: Mapping[str, Any]) -> str:
    """Return the name of a pipeline's transform without its scope."""
    kind = step['type']
    return kind.rsplit('.', 1)[-1] if isinstance(kind, str) else kind.__name__


def build_dataset(cfg: Config, split: str = 'test') -> Any:
    """Build the data set of ``{split}_dataloader``, with its pipeline.

    Raises:
        UserError: The config has no such data loader, or a wrong one.
    """
    loader = cfg.get(f'{split}_dataloader')
    if loader is None:
        have = [name[: -len('_dataloader')] for name in cfg if name.endswith('_dataloader')]
        raise UserError(f'the config has no {split}_dataloader; splits it has: {", ".join(have)}')
    init_default_scope(task_of(cfg).scope)
    with explain_config_errors(cfg):
        return DATASETS.build(loader.dataset)


def build_tested(cfg: Config, split: str) -> Any:
    """Build the data set of a split with the pipeline that images are tested with.

    Raises:
        UserError: The config has no such split, or no test data to take the pipeline of.
    """
    cfg = copy.deepcopy(cfg)
    steps = tested_steps(cfg)
    if cfg.get(f'{split}_dataloader'):
        innermost(cfg[f'{split}_dataloader'].dataset).pipeline = steps
    return build_dataset(cfg, split)


def build_test_loader(cfg: Config, num_images: int | None = None) -> DataLoader:
    """Build the loader of a config's test data.

    Args:
        num_images: That many, at even distances over the data, loaded in this process; all by
            default, as the config says.

    Raises:
        UserError: The config has no test data, or ``num_images`` is below 1.
    """
    if num_images is not None and num_images < 1:
        raise UserError(f'num_images={num_images} must be at least 1')
    images = build_dataset(cfg)
    loader = cfg.test_dataloader.to_dict()
    if num_images is None:
        return Runner.build_dataloader(dict(loader, dataset=images))
    count = min(num_images, len(images))
    chosen = [index * len(images) // count for index in range(count)]
    loader.update(
        dataset=Subset(images, chosen),
        batch_size=min(loader.get('batch_size', 1), count),
        num_workers=0,
        persistent_workers=False,
        drop_last=False,
    )
    return Runner.build_dataloader(loader)


def tested_steps(cfg: Config) -> list[dict[str, Any]]:
    """Return the steps of the test pipeline, which may be changed.

    Raises:
        UserError: The config has no test pipeline.
    """
    if not cfg.get('test_dataloader'):
        raise UserError('the config has no test_dataloader, whose pipeline prepares the images')
    return [dict(step) for step in innermost(cfg.test_dataloader.dataset).pipeline]


def build_test_pipeline(cfg: Config) -> Compose:
    """Build the test pipeline for images without annotations: of ``dict(img_path=...)``.

    A broken file is named (:class:`mmvisx.LoadImageFromFile`).

    Raises:
        UserError: The config has no test pipeline.
    """
    steps = tested_steps(cfg)
    for step in steps:
        if name_of(step) == 'LoadImageFromFile':
            step['type'] = 'mmvisx.LoadImageFromFile'
        if 'meta_keys' in step:  # an image of no data set has no id
            step['meta_keys'] = tuple(key for key in step['meta_keys'] if key != 'img_id')
    scope = task_of(cfg).scope
    with DefaultScope.overwrite_default_scope(scope), explain_config_errors(cfg):
        return Compose([step for step in steps if name_of(step) not in _LABEL_STEPS])
