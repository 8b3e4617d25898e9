"""One trunk and a head for each of several segmentation tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS as MMSEG_MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import add_prefix
from torch import Tensor, nn

from mmvisx.registry import MODELS
from mmvisx.structures.losses import StepLosses
from mmvisx.utils.errors import UserError

__all__ = ['MultiTaskSegmentor']

RESERVED = ('trunk',)  # name of the shared part in the optimizer wrapper


@MODELS.register_module()
class MultiTaskSegmentor(EncoderDecoder):
    r"""Segment an image for several tasks with one run of the trunk.

    The trunk is ``backbone`` and ``neck``. A batch may hold images annotated for one task, for
    another or for several: a head trains on its images only. The loss is

    .. math:: L = \sum_t \frac{1}{|P_t|} \sum_{p \in P_t} -\log y_{t, p}(c_p)

    with the labelled pixels :math:`P_t` of task t in the batch. Trained with
    ``mmvisx.AsynchronousSGD`` the tasks are weighted otherwise, see there.

    The predictions are ``pred_sem_seg_{task}`` and ``seg_logits_{task}`` of each sample, the
    labels ``gt_sem_seg_{task}``.

    Args:
        backbone: Config of the backbone.
        task_heads: ``{task: config of an mmseg decode head}``. Their cross-entropy is averaged
            over labelled pixels (``avg_non_ignore=True``) unless the config says otherwise.
        neck: Config of the neck.
        train_cfg: Handed to the heads.
        test_cfg: As mmseg's: ``dict(mode='whole')`` by default, or ``'slide'``.
        data_preprocessor: ``mmvisx.TaskDataPreprocessor``, which pads the maps of all tasks.
        init_cfg: Initialisation.

    Raises:
        UserError: no task, a task's name that would be mistaken, heads of one output or with
            different ``align_corners``; in training an image that is annotated for no task.

    Source: 002, section 4.3.2 and Figure 4.4. The document adds the losses of both tasks; that
    each is a mean over labelled pixels is in its code.
    """

    task_heads: nn.ModuleDict
    out_channels: int

    def __init__(
        self,
        backbone: dict,
        task_heads: Mapping[str, dict],
        neck: dict | None = None,
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(
            backbone=backbone,
            decode_head=task_heads,
            neck=neck,
            train_cfg=train_cfg,
            test_cfg=ConfigDict(test_cfg or dict(mode='whole')),
            data_preprocessor=data_preprocessor,
            init_cfg=init_cfg,
        )

    @property
    def with_decode_head(self) -> bool:
        """Whether there is a head."""
        return len(self.task_heads) > 0

    def _init_decode_head(self, decode_head: Mapping[str, dict]) -> None:
        if not decode_head:
            raise UserError('MultiTaskSegmentor: task_heads is empty, give {task: decode head}')
        heads: dict[str, Any] = {}
        for task, cfg in decode_head.items():
            if not task.isidentifier() or 'loss' in task or task in RESERVED:
                raise UserError(
                    f'task_heads[{task!r}]: a task is named by letters, digits and underscores, '
                    f"without 'loss', and not {RESERVED[0]!r}"
                )
            heads[task] = MMSEG_MODELS.build(_valid_pixels_only(cfg))
            if heads[task].out_channels < 2:
                raise UserError(
                    f'task_heads[{task!r}].out_channels={heads[task].out_channels}: two or more, '
                    'a yes-or-no task has two classes'
                )
        corners = {task: head.align_corners for task, head in heads.items()}
        if len(set(corners.values())) > 1:
            raise UserError(f'align_corners of the task_heads must be the same: {corners}')
        self.task_heads = nn.ModuleDict(heads)
        self.align_corners = next(iter(corners.values()))
        # Of all heads together: mmseg's inference sees one map of logits.
        self.out_channels = sum(head.out_channels for head in heads.values())

    def encode_decode(self, inputs: Tensor, batch_img_metas: list[dict]) -> Tensor:
        """Return the logits of all tasks, ``(N, sum of their classes, H, W)``."""
        features = self.extract_feat(inputs)
        logits = [
            head.predict(features, batch_img_metas, self.test_cfg)  # type: ignore[operator]
            for head in self.task_heads.values()
        ]
        return torch.cat(logits, dim=1)

    def _forward(self, inputs: Tensor, data_samples: Any = None) -> tuple[Tensor, ...]:
        """Return the logits of each task at its head's resolution."""
        features = self.extract_feat(inputs)
        return tuple(head.forward(features) for head in self.task_heads.values())

    def loss(self, inputs: Tensor, data_samples: Sequence[SegDataSample]) -> dict[str, Tensor]:
        """Return ``{task}.loss_...``, and how many images ``(N, 3, H, W)`` a task and any has.

        Raises:
            UserError: an image without a label map.
        """
        for sample in data_samples:
            if not any(f'gt_sem_seg_{task}' in sample for task in self.task_heads):
                raise UserError(
                    f'{sample.metainfo.get("img_path", "an image")} is annotated for none of the '
                    f'tasks {", ".join(self.task_heads)}: take it out of the training data'
                )
        features = self.extract_feat(inputs)
        losses: dict[str, Tensor] = {}
        for task, head in self.task_heads.items():
            field = f'gt_sem_seg_{task}'
            chosen = [k for k, sample in enumerate(data_samples) if field in sample]
            losses[f'{task}.images'] = inputs.new_tensor(float(len(chosen)))
            if chosen:
                # No copy where every image has the task.
                mine = features if len(chosen) == len(data_samples) else _select(features, chosen)
                labels = [SegDataSample(gt_sem_seg=data_samples[k].get(field)) for k in chosen]
                found = head.loss(mine, labels, self.train_cfg)  # type: ignore[operator]
                losses.update(add_prefix(found, task))
        losses['images'] = inputs.new_tensor(float(len(data_samples)))
        return losses

    def parse_losses(self, losses: dict[str, Tensor]) -> tuple[StepLosses, dict[str, Tensor]]:
        """Return the loss ``()`` of each task and their sum, and what is logged."""
        total, logged = super().parse_losses(losses)
        per_task, images = {}, {}
        for task, head in self.task_heads.items():
            terms = [v for k, v in logged.items() if k.startswith(f'{task}.') and 'loss' in k]
            images[task] = int(logged[f'{task}.images'])
            if not terms:
                # A gradient of zero, as every process of a distributed training needs.
                terms = [0.0 * sum(p.sum() for p in head.parameters() if p.requires_grad)]
                total = total + terms[0]
            per_task[task] = sum(terms)
        return StepLosses(total, per_task, images, int(logged['images'])), logged

    def postprocess_result(
        self, seg_logits: Tensor, data_samples: list[SegDataSample] | None = None
    ) -> list[SegDataSample]:
        """Cut the logits ``(N, sum of classes, H, W)`` into the tasks' and fill in the samples."""
        samples = data_samples or [SegDataSample() for _ in seg_logits]
        first = 0
        for task, head in self.task_heads.items():
            last = first + int(head.out_channels)  # type: ignore[arg-type]
            results = super().postprocess_result(seg_logits[:, first:last], data_samples)
            for sample, result in zip(samples, results, strict=True):
                found = dict(pred_sem_seg=result.pred_sem_seg, seg_logits=result.seg_logits)
                del result.pred_sem_seg, result.seg_logits
                sample.set_data({f'{name}_{task}': value for name, value in found.items()})
            first = last
        return samples


def _valid_pixels_only(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config of a head whose cross-entropy is a mean over labelled pixels."""
    cfg = dict(cfg)
    losses = cfg.get('loss_decode', dict(type='CrossEntropyLoss'))
    several = isinstance(losses, list | tuple)
    filled = [
        dict(dict(avg_non_ignore=True), **loss)
        if str(loss['type']).rpartition('.')[2] == 'CrossEntropyLoss'
        else loss
        for loss in (losses if several else [losses])
    ]
    cfg['loss_decode'] = filled if several else filled[0]
    return cfg


def _select(features: Any, chosen: list[int]) -> Any:
    """Return the features of some images of the batch."""
    if isinstance(features, Tensor):
        return features[chosen]
    return type(features)(_select(level, chosen) for level in features)
