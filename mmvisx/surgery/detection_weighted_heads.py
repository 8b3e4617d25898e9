"""Samplers and detection heads whose loss terms follow the weights of the boxes.

Not to be built: :func:`mmvisx.surgery.weight_box_losses` puts them before the class of
a built head, so that ``super()`` is the head as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import torch
from mmdet.models.dense_heads import AnchorHead, ATSSHead, FCOSHead, YOLOV3Head
from mmdet.models.losses import CrossEntropyLoss
from mmdet.models.losses.cross_entropy_loss import mask_cross_entropy
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.models.roi_heads.mask_heads import FCNMaskHead
from mmdet.models.task_modules.samplers import BaseSampler, SamplingResult
from mmengine.structures import InstanceData
from torch import Tensor

from mmvisx.ops.scale_rows import scale_rows
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import mixed_in

__all__ = [
    'BoxWeightedATSSHead',
    'BoxWeightedAnchorHead',
    'BoxWeightedBBoxHead',
    'BoxWeightedFCOSHead',
    'BoxWeightedMaskHead',
    'BoxWeightedSampler',
    'BoxWeightedYOLOV3Head',
    'box_weights',
]


def box_weights(gt_instances: InstanceData) -> Tensor:
    """Return the weights of an image's boxes, ``(num_boxes,)`` float32.

    Raises:
        UserError: there are no ``weights``, or they are not a vector of floats in [0, 1].
    """
    if 'weights' not in gt_instances:
        raise UserError(
            'the losses are weighted (BoxWeightsHook), but gt_instances of an image comes without '
            "weights: end the training pipeline with dict(type='mmvisx.PackDetInputs') in place of "
            "mmdet's PackDetInputs, or remove BoxWeightsHook from custom_hooks"
        )
    weights = gt_instances.weights
    if weights.ndim != 1 or not weights.is_floating_point():
        raise UserError(
            f'gt_instances.weights has shape {tuple(weights.shape)} and dtype {weights.dtype}; '
            'it should hold one float in [0, 1] per box'
        )
    if not ((weights >= 0) & (weights <= 1)).all():
        raise UserError(f'gt_instances.weights={weights.tolist()} should be in [0, 1]')
    return weights.float()


class BoxWeightedSampler(BaseSampler):
    """Any sampler; its result also says each positive sample's weight.

    Attributes:
        pos_gt_weights: Of the last call, ``(num_positives,)``.

    Source: 000, 5.3.1 and Table 5.1 ("weighted loss").
    """

    def sample(
        self,
        assign_result: Any,
        pred_instances: InstanceData,
        gt_instances: InstanceData,
        *args: Any,
        **kwargs: Any,
    ) -> SamplingResult:
        """Sample, and set ``pos_gt_weights`` of the result."""
        result = super().sample(assign_result, pred_instances, gt_instances, *args, **kwargs)
        weights = box_weights(gt_instances)
        result.pos_gt_weights = self.pos_gt_weights = weights[result.pos_assigned_gt_inds]
        return result


class BoxWeightedAnchorHead(AnchorHead):
    """RetinaNet's, SSD's and RPN's heads: class and box terms.

    Source: 000, 5.3.1 and Table 5.1 ("weighted loss").
    """

    def _get_targets_single(self, *args: Any, **kwargs: Any) -> tuple:
        targets = super()._get_targets_single(*args, **kwargs)
        labels, label_weights, _, bbox_weights, _, _, sampling_result = targets[-7:]
        # The sampler's indices count the anchors inside the image only; labels count all,
        # in the same order.
        positive = (labels >= 0) & (labels < self.num_classes)
        weights = sampling_result.pos_gt_weights
        label_weights[positive] = label_weights[positive] * weights
        bbox_weights[positive] = bbox_weights[positive] * weights[:, None]
        return targets


class BoxWeightedATSSHead(BoxWeightedAnchorHead, ATSSHead):
    """ATSS: the class term as in anchor heads; here the box and centre-ness terms.

    Source: 000, 5.3.1 and Table 5.1 ("weighted loss").
    """

    def loss_by_feat_single(
        self,
        anchors: Tensor,
        cls_score: Tensor,
        bbox_pred: Tensor,
        centerness: Tensor,
        labels: Tensor,
        label_weights: Tensor,
        *args: Any,
        **kwargs: Any,
    ) -> tuple:
        """Compute one level's losses.

        Args:
            anchors: ``(N, A, 4)``.
            cls_score: ``(N, K, H, W)``.
            bbox_pred: ``(N, 4, H, W)``.
            centerness: ``(N, 1, H, W)``.
            labels: ``(N, A)``.
            label_weights: ``(N, A)``.
        """
        rows = label_weights[(labels >= 0) & (labels < self.num_classes)]
        if self.train_cfg['pos_weight'] > 0:
            rows = rows / self.train_cfg['pos_weight']
        with scale_rows(self.loss_bbox, rows), scale_rows(self.loss_centerness, rows):
            return super().loss_by_feat_single(
                anchors, cls_score, bbox_pred, centerness, labels, label_weights, *args, **kwargs
            )


class BoxWeightedFCOSHead(FCOSHead):
    """FCOS: class, box and centre-ness terms.

    Source: 000, 5.3.1 and Table 5.1 ("weighted loss").
    """

    def loss_by_feat(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Compute the losses."""

        def positive_rows() -> Tensor:
            return self._rows[self._positive]

        with (
            # get_targets, which knows the rows, runs in between.
            scale_rows(self.loss_cls, lambda: self._rows),
            scale_rows(self.loss_bbox, positive_rows),
            scale_rows(self.loss_centerness, positive_rows),
        ):
            losses = super().loss_by_feat(*args, **kwargs)
        del self._rows, self._positive
        return losses

    def get_targets(
        self, points: list[Tensor], batch_gt_instances: list[InstanceData]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Assign points, ``(P, 2)`` a level, to boxes with a negative number for their class."""
        labels = torch.cat([gt.labels for gt in batch_gt_instances])
        weights = torch.cat([box_weights(gt) for gt in batch_gt_instances])
        numbers = -1 - torch.arange(len(labels), device=labels.device)
        numbered = [
            InstanceData(bboxes=gt.bboxes, labels=part)
            for gt, part in zip(
                batch_gt_instances,
                numbers.split([len(gt.labels) for gt in batch_gt_instances]),
                strict=True,
            )
        ]
        levels, bbox_targets = super().get_targets(points, numbered)
        flat = torch.cat(levels)
        self._positive = flat < 0
        box = -1 - flat[self._positive]
        flat[self._positive] = labels[box]
        self._rows = weights.new_ones(len(flat))
        self._rows[self._positive] = weights[box]
        return list(flat.split([len(level) for level in levels])), bbox_targets


class BoxWeightedYOLOV3Head(YOLOV3Head):
    """YOLOv3: objectness, class, centre and size terms.

    The weights travel as one more column of the target map.

    Source: 000, 5.3.1 and Table 5.1 ("weighted loss").
    """

    def _get_targets_single(self, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        target_map, neg_map = super()._get_targets_single(*args, **kwargs)
        rows = target_map.new_ones(len(target_map))
        rows[target_map[:, 4] == 1] = self.sampler.pos_gt_weights
        return torch.cat([target_map, rows[:, None]], dim=1), neg_map

    def loss_by_feat_single(self, pred_map: Tensor, target_map: Tensor, neg_map: Tensor) -> tuple:
        """Compute one level's losses.

        Args:
            pred_map: ``(N, 3 * (5 + K), H, W)``.
            target_map: ``(N, A, 6 + K)``, the last column the weights.
            neg_map: ``(N, A)``.
        """
        rows = target_map[..., -1]
        with ExitStack() as stack:
            for loss in (self.loss_cls, self.loss_conf, self.loss_xy, self.loss_wh):
                stack.enter_context(scale_rows(loss, rows))
            return super().loss_by_feat_single(pred_map, target_map[..., :-1], neg_map)


class BoxWeightedBBoxHead(BBoxHead):
    """Box heads of RoI stages: class and box terms.

    Not by ``label_weights``: the head divides by how many of those are above 0.

    Source: 000, 5.3.1 and Table 5.1 ("weighted loss").
    """

    def loss_and_target(
        self,
        cls_score: Tensor,
        bbox_pred: Tensor,
        rois: Tensor,
        sampling_results: Sequence[SamplingResult],
        *args: Any,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Compute the losses.

        Args:
            cls_score: ``(R, K + 1)``.
            bbox_pred: ``(R, 4 * K)``, or ``(R, 4)`` for all classes.
            rois: ``(R, 5)``, the number of the image first.
            sampling_results: One an image.
        """
        positive = [result.pos_gt_weights for result in sampling_results]
        rows = []
        for result, weights in zip(sampling_results, positive, strict=True):
            rows += [weights, weights.new_ones(len(result.neg_priors))]
        with ExitStack() as stack:
            if self.with_cls:
                stack.enter_context(scale_rows(self.loss_cls, torch.cat(rows)))
            if self.with_reg:
                stack.enter_context(scale_rows(self.loss_bbox, torch.cat(positive)))
            return super().loss_and_target(
                cls_score, bbox_pred, rois, sampling_results, *args, **kwargs
            )


class BoxWeightedMaskHead(FCNMaskHead):
    """Mask heads of RoI stages.

    Source: 000, 5.3.1 and Table 5.1 ("weighted loss").
    """

    def loss_and_target(
        self,
        mask_preds: Tensor,
        sampling_results: Sequence[SamplingResult],
        *args: Any,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Compute the loss of ``mask_preds``, ``(R, K, h, w)``."""
        rows = torch.cat([result.pos_gt_weights for result in sampling_results])
        with mixed_in(self.loss_mask, _BoxWeightedMaskLoss, box_weights=rows):
            return super().loss_and_target(mask_preds, sampling_results, *args, **kwargs)


class _BoxWeightedMaskLoss(CrossEntropyLoss):
    """Multiply the mask loss of each row by ``box_weights``, ``(N,)``.

    As this loss has no argument for weights of rows, but one that multiplies ``(N, h, w)``.
    """

    box_weights: Tensor

    def forward(self, cls_score: Tensor, label: Tensor, weight: Tensor, **kwargs: Any) -> Tensor:
        """Compute the loss; ``weight`` is what mask heads call it with, the classes ``(N,)``."""
        factor = self.box_weights[:, None, None]
        if self.class_weight is not None:
            factor = factor * cls_score.new_tensor(self.class_weight)
        return self.loss_weight * mask_cross_entropy(
            cls_score, label, weight, class_weight=factor, **kwargs
        )
