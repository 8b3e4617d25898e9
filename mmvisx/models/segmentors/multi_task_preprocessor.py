"""Padding of the label maps of several tasks."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.structures import PixelData
from mmseg.models import SegDataPreProcessor

from mmvisx.registry import MODELS

__all__ = ['TaskDataPreprocessor']

_PREFIX = 'gt_sem_seg_'


@MODELS.register_module()
class TaskDataPreprocessor(SegDataPreProcessor):
    """mmseg's preprocessor for samples with ``gt_sem_seg_{task}``, which it does not know.

    Arguments as in mmseg. All label maps of an image are padded with ``seg_pad_val`` like it.

    Source: 002, section 4.3.2 and Figure 4.4.
    """

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Normalise, pad and stack the images, pad the label maps.

        Returns:
            ``inputs`` ``(N, 3, H, W)`` and ``data_samples``, whose maps are ``(1, H, W)`` in
            training and of their own size otherwise.
        """
        samples = data.get('data_samples')
        if not training or not samples:
            result: dict[str, Any] = super().forward(data, training)
            return result
        tasks = [[key for key in sample.keys() if key.startswith(_PREFIX)] for sample in samples]  # noqa: SIM118
        for sample, names in zip(samples, tasks, strict=True):
            # As channels of the map that mmseg pads.
            if names:
                maps = [sample.pop(name).data for name in names]
                sample.gt_sem_seg = PixelData(data=torch.cat(maps))
        result = super().forward(data, training)
        for sample, names in zip(result['data_samples'], tasks, strict=True):
            if names:
                maps = sample.gt_sem_seg.data
                del sample.gt_sem_seg
                for name, labels in zip(names, maps, strict=True):
                    sample.set_data({name: PixelData(data=labels[None])})
        return result
