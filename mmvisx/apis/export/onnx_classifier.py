"""Export a classifier to ONNX, plain or taught, and prepare an image to check it with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.model import revert_sync_batchnorm
from mmpretrain.models.classifiers import BaseClassifier
from torch import Tensor, nn

from mmvisx.apis.build import build_model, build_test_pipeline
from mmvisx.datasets.image_file import read_image_bytes
from mmvisx.models.heads.few_shot_predicted import PredictedHead
from mmvisx.ops.few_shot import certainty
from mmvisx.utils.errors import UserError

from .onnx import DenseOutputs, Exported

__all__ = ['ClassScores', 'build_exported', 'read_prepared']


class ClassScores(Exported):
    """A classifier up to its logits; the softmax of them are its scores.

    Args:
        classifier: Of mmpretrain, with a head that maps features to logits.
    """

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier

    @property
    def preprocessor(self) -> Any:
        """The classifier's."""
        return self.classifier.data_preprocessor

    def named(self, images: Tensor) -> list[tuple[str, Tensor]]:
        """Return the logits ``(N, K)`` of images ``(N, 3, H, W)`` by their name.

        Of a taught classifier the ``certainty`` ``(N,)`` follows: an image below ``threshold`` of
        the file's metadata shows none of the classes.
        """
        model: Any = self.classifier
        features = model.extract_feat(images)
        head = model.head
        if not isinstance(head, PredictedHead):
            return [('logits', head(features))]
        activations = head.pre_logits(features)
        logits = head.classify(activations)
        return [('logits', logits), ('certainty', certainty(logits, activations))]

    def notes(self) -> dict[str, Any]:
        """Return the names of the classes, and of a taught classifier the threshold."""
        meta: Any = self.classifier.dataset_meta
        found: dict[str, Any] = {}
        if meta.get('classes'):
            found['classes'] = list(meta['classes'])
        head = self.classifier.head
        if isinstance(head, PredictedHead) and head.threshold.isfinite():
            found['threshold'] = float(head.threshold)
        return found


def build_exported(cfg: Config, checkpoint: str | Path, heads: bool = True) -> Exported:
    """Build what is exported of a config's detector or classifier, with a checkpoint's weights.

    Args:
        cfg: Of the model.
        checkpoint: Its weights, also those of a taught classifier.
        heads: Of a detector: see :class:`DenseOutputs`.

    Raises:
        UserError: see :func:`~mmvisx.apis.build.build_model`; or the model is none of both.
    """
    model = revert_sync_batchnorm(build_model(cfg, checkpoint)).requires_grad_(False)
    if isinstance(model, BaseClassifier):
        return ClassScores(model).eval()
    return DenseOutputs(model, heads).eval()


def read_prepared(model: Exported, cfg: Config, path: str | Path, shape: tuple[int, int]) -> Tensor:
    """Read an image as a classifier's test pipeline prepares it, ``(1, 3, H, W)``, normalised.

    Args:
        model: The classifier.
        cfg: With the test pipeline.
        path: Image file.
        shape: Height and width that the exported network takes.

    Raises:
        UserError: the file is missing or broken, or the pipeline gives another size.
    """
    read_image_bytes(str(path), 'give --verify an image')
    sample = build_test_pipeline(cfg)(dict(img_path=str(path)))
    found = tuple(sample['inputs'].shape[-2:])
    if found != shape:
        raise UserError(
            f'--shape {shape[0]} {shape[1]}: the test pipeline of the config makes {path} '
            f'{found[0]} x {found[1]} pixels; give these, or an image that fits'
        )
    with torch.no_grad():
        inputs: Tensor = model.preprocessor(pseudo_collate([sample]), False)['inputs']
    return inputs
