"""Test-time augmentation of label maps, of one task or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseTTAModel
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor

from mmvisx.registry import MODELS

__all__ = ['SegTTAModel']

_LOGITS = 'seg_logits'


@MODELS.register_module()
class SegTTAModel(BaseTTAModel):
    """Average the class probabilities of several views (scales, flips) of an image.

    The segmentor brings the logits of each view to the size of the image and flips them back.
    Here labels that a mirror exchanges change places as well, and the logarithms of the mean
    probabilities are kept as logits, for the loss of ``mmvisx.TaskIoUMetric``.

    Args:
        mirrored: ``{task: pairs of labels}``, with the task ``''`` of a segmentor with one only.
        kwargs: Of :class:`mmengine.model.BaseTTAModel`: the segmentor as ``module``.

    Differs from mmseg's class of this name, which knows one task, keeps no logits of the mean
    and leaves a mirrored left arm a left arm.
    """

    def __init__(
        self, mirrored: Mapping[str, Sequence[Sequence[int]]] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.mirrored = mirrored or {}

    def merge_preds(self, data_samples_list: Sequence[Sequence[SegDataSample]]) -> list:
        """Merge the views of each image.

        Args:
            data_samples_list: For each image a sample of each of its views.

        Returns:
            One sample per image: the first view's, with ``pred_sem_seg`` and ``seg_logits`` of
            each task.
        """
        return [self._merge(views) for views in data_samples_list]

    def _merge(self, views: Sequence[SegDataSample]) -> SegDataSample:
        merged = views[0]
        for field in [key for key in merged.keys() if key.startswith(_LOGITS)]:  # noqa: SIM118
            suffix = field.removeprefix(_LOGITS)
            pairs = self.mirrored.get(suffix.removeprefix('_'), ())
            mean = torch.stack([_probabilities(view, field, pairs) for view in views]).mean(0)
            if len(mean) == 1:  # one output for yes or no
                labels = (mean > self.module.decode_head.threshold).long()
                logits = torch.logit(mean)
            else:
                labels = mean.argmax(0, keepdim=True)
                logits = mean.clamp_min(torch.finfo(mean.dtype).tiny).log()
            found = {f'pred_sem_seg{suffix}': labels, field: logits}
            merged.set_data({key: PixelData(data=value) for key, value in found.items()})
        return merged


def _probabilities(view: SegDataSample, field: str, pairs: Sequence[Sequence[int]]) -> Tensor:
    """Return the probabilities ``(C, H, W)`` of a view, with left and right as in the image."""
    logits: Tensor = view.get(field).data.float()
    scores = logits.softmax(0) if len(logits) > 1 else logits.sigmoid()
    if view.metainfo.get('flip') and view.metainfo.get('flip_direction') != 'diagonal':
        order = list(range(len(scores)))
        for one, other in pairs:
            order[one], order[other] = other, one
        scores = scores[order]
    return scores
