"""Test-time augmentation for any config: here of detectors, in tta_views of others."""

from __future__ import annotations

import copy
from typing import Any

from mmengine.config import Config, ConfigDict

from mmvisx.utils.errors import UserError
from mmvisx.utils.tasks import task_of

from .build import innermost, name_of

__all__ = ['enable_detector_tta', 'enable_tta', 'flip_pipeline']


def enable_tta(cfg: Config) -> None:
    """Turn ``cfg`` into the config of a test with augmentation, in place.

    Raises:
        UserError: the config's task has no augmentation, or see :func:`enable_detector_tta` and
            :mod:`mmvisx.apis.tta_views`.
    """
    task_of(cfg).need('tta', '--tta')(cfg)


def enable_detector_tta(cfg: Config) -> None:
    """Turn ``cfg`` into the config of a detector's test with augmentation, in place.

    Uses ``tta_model`` and ``tta_pipeline`` of the config; without them a horizontal flip of the
    test pipeline, and the detector's own NMS. Masks are merged where a ``roi_head`` predicts
    them; for other detectors a mask metric is dropped with a warning.

    Raises:
        UserError: the config has no NMS settings where mmdet's detectors have them, or its
            ``tta_pipeline`` does not say which views are flipped.
    """
    test_cfg = cfg.model.get('test_cfg', {})
    merge = test_cfg.get('rcnn') or test_cfg
    if 'tta_model' not in cfg:
        if 'nms' not in merge:
            raise UserError(
                '--tta: the config has neither tta_model nor model.test_cfg(.rcnn).nms; add '
                "tta_model=dict(type='mmvisx.DetTTAModel', tta_cfg=dict(nms=..., max_per_img=...))"
            )
        cfg.tta_model = ConfigDict(
            type='mmvisx.DetTTAModel',
            tta_cfg=dict(nms=merge['nms'], max_per_img=merge.get('max_per_img', 100)),
        )
    elif cfg.tta_model.get('type') in ('DetTTAModel', 'mmdet.DetTTAModel'):
        cfg.tta_model.type = 'mmvisx.DetTTAModel'
    dataset = innermost(cfg.test_dataloader.dataset)
    if 'tta_pipeline' in cfg:
        _check_flips(cfg.tta_pipeline)
    dataset.pipeline = cfg.get('tta_pipeline') or flip_pipeline(dataset.pipeline)
    masks = cfg.model.get('roi_head', {}).get('mask_head') is not None
    cfg.model = ConfigDict(**cfg.tta_model, module=cfg.model)
    if not masks:
        _drop_masks(cfg)


def _check_flips(pipeline: list[dict[str, Any]]) -> None:
    steps = [s for step in pipeline for group in step.get('transforms', [[step]]) for s in group]
    keys = next((s['meta_keys'] for s in steps if 'meta_keys' in s), None)
    absent = [k for k in ('flip', 'flip_direction') if keys is not None and k not in keys]
    if absent and any('Flip' in name_of(step) for step in steps):
        raise UserError(
            f'--tta: tta_pipeline flips, but the meta_keys of its Pack transform lack '
            f'{" and ".join(absent)}, so that boxes could not be flipped back; add them'
        )


def flip_pipeline(pipeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the test pipeline with a plain and a horizontally flipped version of the image.

    The flip stands before the annotations are loaded, which have to stay unflipped.
    """
    names = [name_of(step) for step in pipeline]
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


def _drop_masks(cfg: Config) -> None:
    evaluators = cfg.test_evaluator
    for evaluator in evaluators if isinstance(evaluators, list) else [evaluators]:
        metric = evaluator.get('metric')
        if metric is not None and 'segm' in metric:
            evaluator.metric = 'bbox'
            # There is no logger before there is a runner.
            print(
                'warning: --tta merges only the boxes of this detector: its masks are not evaluated'
            )
