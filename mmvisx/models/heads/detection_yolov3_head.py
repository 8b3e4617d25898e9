"""YOLOv3's head with its authors' weight of small boxes and divisor (000, chapter 5)."""

from __future__ import annotations

from typing import Any

import torch
from mmdet.models.dense_heads import YOLOV3Head
from mmengine.structures import InstanceData
from torch import Tensor

from mmvisx.ops.scale_rows import scale_rows
from mmvisx.registry import MODELS

__all__ = ['SizeWeightedYOLOV3Head']


@MODELS.register_module()
class SizeWeightedYOLOV3Head(YOLOV3Head):
    """mmdet's head, with the authors' weight of small boxes, and losses for one image.

    The centre and size terms of a box count ``2 - w h / (W H)``: ``w`` and ``h`` are the box's,
    ``W`` and ``H`` the network input's. mmdet gives all boxes the weight 2, by ``loss_weight``
    of ``loss_xy`` and ``loss_wh``; here that should be 1.

    The losses, with ``reduction='sum'``, are divided by the images of the batch, where
    mmdet's are sums over the images of one process. Several processes average their gradients,
    so 64 images on one GPU and 8 on each of 8 give the same step, and the published learning
    rate of 1e-3 for 64 images means what it meant in the published training (chapter 5's code
    sums the losses of each image and divides the gradient by the 64 images of the step).

    Source: the code of YOLOv3's authors, and that of chapter 5 of 000.
    """

    def _get_targets_single(
        self,
        anchors: list[Tensor],
        responsible_flags: list[Tensor],
        gt_instances: InstanceData,
    ) -> tuple[Tensor, Tensor]:
        target_map, neg_map = super()._get_targets_single(anchors, responsible_flags, gt_instances)
        priors = torch.cat(anchors)
        # A responsible anchor's size and the target, the logarithm of the box's size by it.
        sizes = (priors[:, 2:] - priors[:, :2]) * target_map[:, 2:4].exp()
        width, height = self.prior_generator.strides[0]
        area = len(anchors[0]) // self.prior_generator.num_base_priors[0] * width * height
        scale = 2 - sizes.prod(dim=1) / area
        return torch.cat([target_map, scale[:, None]], dim=1), neg_map

    def loss_by_feat_single(
        self, pred_map: Tensor, target_map: Tensor, neg_map: Tensor
    ) -> tuple[Tensor, ...]:
        """Compute one level's losses, means over the N images.

        Args:
            pred_map: ``(N, anchors * (5 + K), H, W)``.
            target_map: ``(N, H * W * anchors, 5 + K + 1)``, the last being the weights.
            neg_map: ``(N, H * W * anchors)``, 1 where an anchor is negative.
        """
        scale = target_map[..., -1]
        with scale_rows(self.loss_xy, scale), scale_rows(self.loss_wh, scale):
            losses: Any = super().loss_by_feat_single(pred_map, target_map[..., :-1], neg_map)
        return tuple(loss / len(pred_map) for loss in losses)
