"""Test-time augmentation of boxes and masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models import DetTTAModel as BoxTTAModel
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox_flip
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmvisx.registry import MODELS
from mmvisx.utils.modules import mixed_in

__all__ = ['DetTTAModel']

# Axes of (N, C, h, w) that a flip reverses.
_FLIPPED_AXES = {'horizontal': (3,), 'vertical': (2,), 'diagonal': (2, 3)}


@MODELS.register_module()
class DetTTAModel(BoxTTAModel):
    """Merge the boxes and the masks of several views (scales, flips) of an image.

    The boxes of all views are put together and thinned out by one NMS, as mmdet does; those
    of a single view are left as they are. Then every view predicts the masks of the merged
    boxes, whose probabilities, flipped back, are averaged and pasted into the image.

    Backbone and neck see each view once: the features of all views are kept from the boxes to
    the masks. With 256 channels that is 85 bytes for each pixel of a view, 1.7 GB for the ten
    views of an image in the document's test. Masks are those of the ``roi_head`` of two-stage
    detectors and cascades; those of other detectors are left out of the result.

    Args:
        tta_cfg: ``nms`` (a config of :func:`mmcv.ops.batched_nms`) and ``max_per_img``.
        **kwargs: Of :class:`mmengine.model.BaseTTAModel`: the detector as ``module``.

    Source: 001, 6.5.1, which names the views; how to merge is not said there. Differs from
    mmdet's class, which refuses masks.
    """

    def test_step(self, data: dict[str, list[Any]]) -> list[DetDataSample]:
        """Predict and merge.

        Args:
            data: ``inputs`` and ``data_samples``: a list of views, each a list with that view of
                every image.

        Returns:
            One sample per image, boxes and masks in the coordinates of the original image.
        """
        for sample in (sample for view in data['data_samples'] for sample in view):
            if 'flip' not in sample:  # the views differ in scale only
                sample.set_metainfo(dict(flip=False, flip_direction=None))
        roi_head: Any = getattr(self.module, 'roi_head', None)
        mask_head = getattr(roi_head, 'mask_head', None)
        if mask_head is None:
            return super().test_step(data)
        features: list[Any] = []
        with mixed_in(self.module, _Keeping, kept=features), mixed_in(roi_head, _BoxesOnly):
            merged = super().test_step(data)
        last: Any = mask_head[-1] if isinstance(mask_head, nn.ModuleList) else mask_head
        mean: list[Tensor] = []
        boxes = [sample.pred_instances for sample in merged]
        if any(len(instances) for instances in boxes):
            views = zip(data['inputs'], data['data_samples'], features, strict=True)
            for inputs, view, seen in views:
                masks = self._view_masks(inputs, view, seen, boxes, last)
                shares = [m / len(features) for m in masks]
                mean = [a + b for a, b in zip(mean, shares, strict=True)] if mean else shares
        self._paste(last, mean, merged)
        return merged

    def _merge_single_sample(self, data_samples: Sequence[DetDataSample]) -> DetDataSample:
        for sample in data_samples:
            # One-stage detectors predict them together with the boxes.
            sample.pred_instances.pop('masks', None)
        if len(data_samples) > 1:
            return super()._merge_single_sample(data_samples)
        # A second Soft-NMS would lower the scores again.
        sample = data_samples[0]
        instances = sample.pred_instances
        instances.bboxes, _ = self.merge_aug_bboxes(
            [instances.bboxes], [instances.scores], [sample.metainfo]
        )
        return sample

    def _view_masks(
        self,
        inputs: Any,
        view: list[DetDataSample],
        features: Any,
        boxes: list[InstanceData],
        mask_head: Any,
    ) -> list[Tensor]:
        """Return each image's mask probabilities ``(N, C, h, w)`` in one view, flipped back.

        The detector's own test runs, but on the features that are there already, its box branch
        returns the given boxes, and the mask probabilities are taken from it before they are
        pasted.
        """
        metas = [sample.metainfo for sample in view]
        located = [_to_view(i, meta) for i, meta in zip(boxes, metas, strict=True)]
        # Some mask heads flip by themselves if the sample says so, and crash doing it.
        samples = [DetDataSample(metainfo=dict(m, flip=False)) for m in metas]
        for sample, instances in zip(samples, located, strict=True):
            sample.proposals = instances  # spares the RPN
        found: list[Tensor] = []
        with (
            mixed_in(self.module, _Knowing, known=features),
            mixed_in(self.module.roi_head, _KnowingBoxes, known_boxes=located),
            mixed_in(mask_head, _KeepingMasks, kept=found),
        ):
            self.module.test_step(dict(inputs=inputs, data_samples=samples))
        return [_unflip(mask, meta) for mask, meta in zip(found, metas, strict=True)]

    def _paste(
        self, mask_head: Any, probabilities: list[Tensor], samples: list[DetDataSample]
    ) -> None:
        """Turn probabilities into masks ``(N, H, W)`` of the original image."""
        instances = [sample.pred_instances for sample in samples]
        mask_head.predict_by_feat(
            # Without any box nothing looks at them.
            probabilities or [i.scores for i in instances],
            instances,
            [dict(s.metainfo, scale_factor=(1.0, 1.0)) for s in samples],
            self.module.roi_head.test_cfg,
            rescale=True,
            activate_map=True,
        )


def _to_view(instances: InstanceData, meta: dict) -> InstanceData:
    """Move boxes of the original image to a view of it."""
    boxes = instances.bboxes
    if meta.get('flip'):
        boxes = bbox_flip(boxes, meta['ori_shape'], meta['flip_direction'])
    scale = boxes.new_tensor(meta['scale_factor']).repeat(2)
    return InstanceData(bboxes=boxes * scale, scores=instances.scores, labels=instances.labels)


def _unflip(masks: Tensor, meta: dict) -> Tensor:
    return torch.flip(masks, _FLIPPED_AXES[meta['flip_direction']]) if meta.get('flip') else masks


class _Keeping(nn.Module):
    """A detector that keeps the features of what it sees."""

    kept: list[Any]

    def extract_feat(self, inputs: Tensor) -> Any:
        self.kept.append(super().extract_feat(inputs))  # type: ignore[misc]
        return self.kept[-1]


class _Knowing(nn.Module):
    """A detector that is told the features."""

    known: Any

    def extract_feat(self, _: Tensor) -> Any:
        return self.known


class _BoxesOnly(nn.Module):
    """A RoI head that predicts no masks."""

    with_mask = False


class _KnowingBoxes(nn.Module):
    """A RoI head that is told the boxes."""

    known_boxes: list[InstanceData]

    def predict_bbox(self, *_: Any, **__: Any) -> list[InstanceData]:
        return self.known_boxes


class _KeepingMasks(nn.Module):
    """A mask head that keeps the probabilities of its masks, and pastes none."""

    kept: list[Tensor]

    def predict_by_feat(
        self,
        mask_preds: Sequence[Tensor],
        results_list: list[InstanceData],
        *_: Any,
        activate_map: bool = False,
        **__: Any,
    ) -> list[InstanceData]:
        self.kept.extend(m if activate_map else m.sigmoid() for m in mask_preds)
        return results_list
