"""Pack frames with segments, depth and targets."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet.structures import DetDataSample
from mmengine.structures import PixelData

from mmvisx.registry import TRANSFORMS

__all__ = ['PackPanopticFrames']

_META = (
    *('img_path', 'video_id', 'frame_id', 'ori_shape', 'img_shape', 'scale_factor', 'flip', 'gap'),
    'thing_labels',
)


@TRANSFORMS.register_module()
class PackPanopticFrames(BaseTransform):
    """Pack a frame, or both of a pair, as ``inputs`` and a ``DetDataSample``.

    ``inputs`` are uint8 BGR, ``(3, H, W)`` or of a pair ``(2, 3, H, W)``. Of what is there the
    sample has ``gt_panoptic_seg.sem_seg`` ``(1, H, W)`` int64, ``gt_depth_map.data`` ``(1, H, W)``
    float32, both also with ``next_`` before them, and ``gt_targets`` with the maps of
    :class:`mmvisx.GeneratePanopticTargets`.

    Source: 001, 7.3.1.2.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Pack."""
        images = [results[key] for key in ('img', 'next_img') if key in results]
        stacked = torch.stack([_tensor(image.transpose(2, 0, 1)) for image in images])
        sample = DetDataSample(metainfo={k: results[k] for k in _META if k in results})
        for prefix in ('', 'next_'):
            codes = results.get(f'{prefix}gt_panoptic_map')
            if codes is not None:
                sem_seg = _tensor(codes.astype(np.int64))[None]
                sample.set_data({f'{prefix}gt_panoptic_seg': PixelData(sem_seg=sem_seg)})
            depth = results.get(f'{prefix}gt_depth_map')
            if depth is not None:
                sample.set_data({f'{prefix}gt_depth_map': PixelData(data=_tensor(depth)[None])})
        if 'gt_targets' in results:
            targets = {key: _tensor(values) for key, values in results['gt_targets'].items()}
            sample.set_data({'gt_targets': PixelData(**targets)})
        return dict(inputs=stacked if len(images) > 1 else stacked[0], data_samples=sample)


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))
