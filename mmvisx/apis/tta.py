"""Test-time augmentation for any detector config."""

from __future__ import annotations

import copy
from typing import Any

from mmdet.models import DetTTAModel
from mmdet.structures import DetDataSample
from mmengine.config import Config, ConfigDict

from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError


@MODELS.register_module()
class BoxTTAModel(DetTTAModel):
    """mmdet's merging of boxes, also for detectors with masks: no masks are predicted."""

    def test_step(self, data: Any) -> list[DetDataSample]:
        """Predict all versions of a batch and merge their boxes."""
        # A cascade's mask heads cannot undo a flip (mmdet indexes a tensor with ::-1), and the
        # masks are not wanted, so the heads are taken off meanwhile.
        roi_head: Any = getattr(self.module, 'roi_head', None)
        mask_head = getattr(roi_head, 'mask_head', None)
        if mask_head is None:
            return super().test_step(data)
        roi_head.mask_head = None
        try:
            return super().test_step(data)
        finally:
            roi_head.mask_head = mask_head

    def _merge_single_sample(self, data_samples: list[DetDataSample]) -> DetDataSample:
        for sample in data_samples:
            if 'masks' in sample.pred_instances:
                del sample.pred_instances.masks
        return super()._merge_single_sample(data_samples)


def enable_tta(cfg: Config) -> None:
    """Turn ``cfg`` into the config of a test with augmentation, in place.

    Uses ``tta_model`` and ``tta_pipeline`` of the config; without them a horizontal flip of the
    test pipeline, and the detector's own NMS. Masks are not merged: a mask metric is
    dropped with a warning.

    Raises:
        UserError: the config has no NMS settings where mmdet's detectors have them.
    """
    test_cfg = cfg.model.get('test_cfg', {})
    merge = test_cfg.get('rcnn') or test_cfg
    if 'tta_model' not in cfg:
        if 'nms' not in merge:
            raise UserError(
                '--tta: the config has neither tta_model nor model.test_cfg(.rcnn).nms; add '
                "tta_model=dict(type='mmvisx.BoxTTAModel', tta_cfg=dict(nms=..., max_per_img=...))"
            )
        cfg.tta_model = ConfigDict(
            type='mmvisx.BoxTTAModel',
            tta_cfg=dict(nms=merge['nms'], max_per_img=merge.get('max_per_img', 100)),
        )
    elif cfg.tta_model.get('type') in ('DetTTAModel', 'mmdet.DetTTAModel'):
        cfg.tta_model.type = 'mmvisx.BoxTTAModel'
    dataset = _innermost(cfg.test_dataloader.dataset)
    dataset.pipeline = cfg.get('tta_pipeline') or flip_pipeline(dataset.pipeline)
    cfg.model = ConfigDict(**cfg.tta_model, module=cfg.model)
    _drop_masks(cfg)


def flip_pipeline(pipeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the test pipeline with a plain and a horizontally flipped version of the image.

    The flip stands before the annotations are loaded, which have to stay unflipped.
    """
    names = [_name(step) for step in pipeline]
    pack = next((i for i, name in enumerate(names) if name.startswith('Pack')), None)
    if pack is None or not names[0].startswith('LoadImage'):
        raise UserError(
            '--tta: cannot make a tta_pipeline from a test pipeline that does not start with a '
            f'LoadImage and end with a Pack transform ({", ".join(names)}); add tta_pipeline'
        )
    flip_at = next((i for i, name in enumerate(names) if name.startswith('LoadAnn')), pack)
    steps = [[copy.deepcopy(step)] for step in pipeline]
    keys = tuple(steps[pack][0].get('meta_keys', ('img_id', 'img_path', 'ori_shape')))
    needed = ('img_shape', 'scale_factor', 'flip', 'flip_direction')
    steps[pack][0]['meta_keys'] = tuple(dict.fromkeys(keys + needed))
    flips = [
        dict(type='mmdet.RandomFlip', prob=0.0),
        dict(type='mmdet.RandomFlip', prob=1.0),
    ]
    return [
        copy.deepcopy(pipeline[0]),
        dict(type='TestTimeAug', transforms=[*steps[1:flip_at], flips, *steps[flip_at:]]),
    ]


def _name(step: dict[str, Any]) -> str:
    kind = step['type']
    return kind.rsplit('.', 1)[-1] if isinstance(kind, str) else kind.__name__


def _innermost(dataset: ConfigDict) -> ConfigDict:
    while 'pipeline' not in dataset and 'dataset' in dataset:
        dataset = dataset.dataset
    if 'pipeline' not in dataset:
        raise UserError('--tta: test_dataloader.dataset has no pipeline')
    return dataset


def _drop_masks(cfg: Config) -> None:
    evaluators = cfg.test_evaluator
    for evaluator in evaluators if isinstance(evaluators, list) else [evaluators]:
        metric = evaluator.get('metric')
        if metric is not None and 'segm' in metric:
            evaluator.metric = 'bbox'
            # There is no logger before there is a runner.
            print('warning: --tta merges boxes only: masks are neither predicted nor evaluated')
