"""Segment images: one map an image, or one for each task of a multi-task model."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import DATASETS, DefaultScope

from mmvisx.apis.build import build_model
from mmvisx.datasets.transforms.loading import decode_image
from mmvisx.utils.checkpoint import load_weights, read_checkpoint
from mmvisx.utils.config import load_config
from mmvisx.utils.errors import UserError
from mmvisx.visualization.segmentation_tasks import Task, draw_tasks, labels_of, tasks_of

__all__ = ['SegmentationInferencer', 'meta_of']

# Steps of a pipeline that want a label map.
_LABEL_STEPS = ('LoadAnnotations', 'LoadSegAnnotations', 'LoadTaskAnnotations')


class SegmentationInferencer:
    """A segmentor of a config with the weights of a checkpoint.

    Class names and colours are those of the checkpoint (MMEngine saves them in training), else
    of the config's test data.

    Args:
        config: Config file or config.
        checkpoint: Checkpoint file.
        device: 'cpu', 'cuda:0', ...; ``None``: a GPU if there is one.

    Raises:
        UserError: Config or checkpoint is missing or broken, they do not fit together, or
            neither names the classes.
    """

    def __init__(
        self, config: str | Path | Config, checkpoint: str | Path, device: str | None = None
    ) -> None:
        cfg = copy.deepcopy(config) if isinstance(config, Config) else load_config(config)
        if cfg.get('default_scope') != 'mmseg':
            raise UserError(
                f'default_scope={cfg.get("default_scope")!r} of the config: this is not a '
                'segmentor (mmseg); detectors are for demo/image_demo.py'
            )
        weights = read_checkpoint(checkpoint)
        self.model: Any = build_model(cfg)
        load_weights(self.model, weights, checkpoint, 'exact')
        self.device = torch.device(device or ('cuda' if torch.cuda.is_available() else 'cpu'))
        self.model.to(self.device)
        self.tasks = _tasks(weights, cfg)
        self.pipeline = _pipeline(cfg)

    def __call__(self, path: str | Path) -> dict[str, np.ndarray]:
        """Return ``{task: labels (H, W) uint8}`` of an image file, at its size.

        The only task of an ordinary segmentor is called ``''``.

        Raises:
            UserError: There is no such image, or it cannot be read.
        """
        data = self.pipeline(dict(img_path=str(path)))
        with torch.no_grad():
            (sample,) = self.model.test_step(pseudo_collate([data]))
        return {task.name: labels_of(sample, task) for task in self.tasks}

    def draw(self, path: str | Path, opacity: float = 0.5) -> np.ndarray:
        """Return the picture of :meth:`__call__`'s result, RGB ``(H', W', 3)`` uint8.

        For each task, from left to right, the image under the classes' colours and a legend.
        """
        return self.picture(path, self(path), opacity)

    def picture(
        self, path: str | Path, labels: Mapping[str, np.ndarray], opacity: float = 0.5
    ) -> np.ndarray:
        """Return the picture of ``{task: labels}`` over the image file."""
        image = decode_image(str(path), 'name an image that is there', 'color', 'cv2', None)
        return draw_tasks(image[..., ::-1], labels, self.tasks, opacity)


def _pipeline(cfg: Config) -> Compose:
    """Return the test pipeline without the loading of label maps."""
    if 'test_dataloader' not in cfg:
        raise UserError('the config has no test_dataloader, whose pipeline prepares the images')
    dataset = cfg.test_dataloader.dataset
    while 'pipeline' not in dataset:
        if 'dataset' not in dataset:
            raise UserError('test_dataloader.dataset of the config has no pipeline')
        dataset = dataset.dataset
    steps = [dict(s) for s in dataset.pipeline if s['type'].split('.')[-1] not in _LABEL_STEPS]
    with DefaultScope.overwrite_default_scope('mmseg'):
        return Compose(steps)


def _tasks(checkpoint: Mapping[str, Any], cfg: Config) -> list[Task]:
    meta = dict(checkpoint.get('meta', {}).get('dataset_meta') or {})
    if not meta.get('classes') and not meta.get('tasks'):
        meta = meta_of(cfg.test_dataloader.dataset)
    return tasks_of(meta)


def meta_of(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Return classes and palette of a data set's config without reading its files."""
    if 'tasks' in dataset:
        return dict(tasks={name: meta_of(cfg) for name, cfg in dataset['tasks'].items()})
    inner: Sequence[Any] = [dataset['dataset']] if 'dataset' in dataset else []
    inner = inner or dataset.get('datasets', [])
    if inner:
        return meta_of(inner[0])
    with DATASETS.switch_scope_and_registry('mmseg') as registry:
        kind = registry.get(dataset['type'])
    return {**(getattr(kind, 'METAINFO', None) or {}), **(dataset.get('metainfo') or {})}
