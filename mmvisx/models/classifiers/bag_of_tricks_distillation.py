"""A classifier that learns from the labels and from a frozen teacher (000, 2.5.3)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from mmpretrain.models import ClsHead, ImageClassifier
from mmpretrain.registry import MODELS as MMPRETRAIN_MODELS
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmvisx.models.losses.bag_of_tricks_distillation import distillation_loss
from mmvisx.registry import MODELS
from mmvisx.utils.checkpoint import load_weights, read_checkpoint
from mmvisx.utils.config import load_config
from mmvisx.utils.config.model import model_config
from mmvisx.utils.errors import UserError

__all__ = ['DistillationClassifier', 'FrozenTeacher']


class FrozenTeacher:
    """A classifier with fixed weights, built and loaded when it is first needed.

    It is no :class:`torch.nn.Module`, so that the student that holds it does not save it, count
    its parameters or switch it to training mode. Copies of the student share it.

    Args:
        config: The classifier's config: a dict, or a config file whose ``model`` is taken.
        checkpoint: Its weights, all of them.
        num_classes: Of the student.

    Raises:
        UserError: the config file does not exist or has no model, or the teacher's head has
            another number of classes than the student's.

    Source: 000, 2.5.3.
    """

    def __init__(self, config: dict[str, Any] | str, checkpoint: str, num_classes: int) -> None:
        self.config = _read(config) if isinstance(config, str | Path) else dict(config)
        self.checkpoint = checkpoint
        self.num_classes = num_classes
        classes = (self.config.get('head') or {}).get('num_classes', num_classes)
        if classes != num_classes:
            raise UserError(
                f'teacher.head.num_classes={classes}, but the student has {num_classes} classes; '
                'a teacher needs the same classes in the same order'
            )
        self._module: nn.Module | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> FrozenTeacher:
        return self

    @property
    def module(self) -> nn.Module:
        """The network, in eval mode, without gradients.

        Raises:
            UserError: the checkpoint does not exist or is one of another network.
        """
        if self._module is None:
            self._module = self._load()
        return self._module

    def _load(self) -> nn.Module:
        try:
            checkpoint = read_checkpoint(self.checkpoint)
        except UserError as error:
            raise UserError(f'teacher_checkpoint: {error}') from error
        with torch.device('cpu'), torch.random.fork_rng([]):  # not the student's random numbers
            module: nn.Module = MMPRETRAIN_MODELS.build(self.config)
        fit = load_weights(module, checkpoint, self.checkpoint, 'partial')
        if not fit.exact:
            raise UserError(
                f'teacher_checkpoint {self.checkpoint} is of another network or other classes '
                f'than the teacher (num_classes={self.num_classes}): {fit}'
            )
        return module.eval().requires_grad_(False)

    @torch.no_grad()
    def scores(self, inputs: Tensor, preprocessor: nn.Module) -> Tensor:
        """Return the scores before the softmax, ``(N, K)``, without an autograd graph.

        Args:
            inputs: What the student sees, ``(N, C, H, W)``, after its preprocessing and mixup.
            preprocessor: The student's, which says how the images are normalised.

        Raises:
            UserError: the teacher gives something else than ``(N, K)``; see :attr:`module`.
        """
        module = self.module
        weight = next(module.parameters())
        if (weight.device, weight.dtype) != (inputs.device, inputs.dtype):
            module.to(inputs.device, inputs.dtype)
        own = getattr(module, 'data_preprocessor', None)
        if 'data_preprocessor' in self.config and own is not None:
            inputs = renormalise(inputs, preprocessor, own)
        scores = module(inputs, mode='tensor')
        if isinstance(scores, tuple | list):
            scores = scores[-1]
        if scores.shape != (len(inputs), self.num_classes):
            raise UserError(
                f'the teacher gives scores of shape {tuple(scores.shape)}, where the student has '
                f'{(len(inputs), self.num_classes)} (images, classes)'
            )
        return scores


def _read(path: str | Path) -> dict[str, Any]:
    cfg = load_config(path)
    if 'model' not in cfg:
        raise UserError(f'teacher={str(path)!r} is a config file without a model')
    return model_config(cfg).to_dict()


def renormalise(inputs: Tensor, given: Any, wanted: Any) -> Tensor:
    """Turn images normalised by one mmpretrain preprocessor into another's, ``(N, 3, H, W)``.

    Mean, standard deviation and the order of the channels are changed. It is an affine map, so
    mixed images stay the same mixture.
    """
    if getattr(given, '_enable_normalize', False):
        inputs = inputs * given.std + given.mean
    if getattr(given, 'to_rgb', False) != getattr(wanted, 'to_rgb', False):
        inputs = inputs.flip(1)
    if getattr(wanted, '_enable_normalize', False):
        inputs = (inputs - wanted.mean.to(inputs)) / wanted.std.to(inputs)
    return inputs


@MODELS.register_module()
class DistillationClassifier(ImageClassifier):
    """An image classifier taught by another one.

    The loss is that of its head plus ``soft_weight * T^2 * l(softmax(r/T), softmax(z/T))``, with
    the student's scores z and the teacher's r
    (:func:`~mmvisx.models.losses.distillation_loss`). With mixup or other batch augmentations
    the teacher sees the same mixed images. If its config has a ``data_preprocessor``, they are
    normalised as that says; if not, as the student's.

    Only the student is saved, optimised and averaged (EMA). The teacher's file is read when a
    training starts, so testing needs none.

    Args:
        backbone: Config of the student's backbone.
        head: Config of its head, a ``ClsHead``, which holds the loss for the labels.
        teacher: Config of the teacher: a dict, or the path of a config file.
        teacher_checkpoint: Its weights.
        neck: Config of the student's neck.
        temperature: T.
        hard_weight: Factor of the head's loss.
        soft_weight: Factor of the distillation loss, beside T^2.
        train_cfg, data_preprocessor, init_cfg: As of mmpretrain's ``ImageClassifier``.

    Raises:
        UserError: the teacher has other classes or its config cannot be read; when a training
            starts, its checkpoint does not exist or is of another network; the head is no
            ``ClsHead``.

    Source: 000, Eq. 2.6, T = 20 of 2.5.5. The default weights 1 and 1 are Eq. 2.6; the authors'
    code has 0.5 and 0.5. The printed form makes the gradient of the soft term twice as large.
    """

    def __init__(
        self,
        backbone: dict,
        head: dict,
        teacher: dict | str,
        teacher_checkpoint: str,
        neck: dict | None = None,
        temperature: float = 20.0,
        hard_weight: float = 1.0,
        soft_weight: float = 1.0,
        train_cfg: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(
            backbone,
            neck=neck,
            head=head,
            train_cfg=train_cfg,
            data_preprocessor=data_preprocessor,
            init_cfg=init_cfg,
        )
        if not temperature > 0:
            raise UserError(f'temperature={temperature!r} should be above 0')
        if not isinstance(self.head, ClsHead) or not hasattr(self.head, 'num_classes'):
            raise UserError(
                f'head={head.get("type")!r} has no scores to distill into; use a ClsHead with '
                'num_classes, such as LinearClsHead'
            )
        self.temperature = temperature
        self.hard_weight = hard_weight
        self.soft_weight = soft_weight
        self.teacher = FrozenTeacher(teacher, teacher_checkpoint, self.head.num_classes)

    def init_weights(self) -> None:
        """Initialise the student; the teacher is loaded here, before a training's first step."""
        _ = self.teacher.module
        super().init_weights()

    def loss(self, inputs: Tensor, data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Return ``loss`` (labels; and what else the head returns) and ``loss_distill``.

        Args:
            inputs: ``(N, C, H, W)``.
            data_samples: N samples with ``gt_label``, or ``gt_score`` after mixup.
        """
        scores = self.head(self.extract_feat(inputs))
        target = self.teacher.scores(inputs, self.data_preprocessor)
        losses = self.head._get_loss(scores, data_samples)
        for name in losses:
            if 'loss' in name:
                losses[name] = self.hard_weight * losses[name]
        soft = distillation_loss(scores, target, self.temperature)
        losses['loss_distill'] = self.soft_weight * soft
        return losses
