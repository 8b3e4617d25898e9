"""Test-time augmentation of segmentors and classifiers: which views, and who merges them."""

from __future__ import annotations

import copy
from typing import Any

from mmengine.config import Config, ConfigDict

from mmvisx.apis.build import classes_of, innermost, name_of
from mmvisx.datasets.segmentation.seg_checked import mirrored_labels
from mmvisx.utils.errors import UserError

__all__ = ['enable_classifier_tta', 'enable_segmentor_tta', 'scaled_views']

RATIOS = (0.75, 1.0, 1.25)  # of the size at which the config tests


def enable_segmentor_tta(cfg: Config) -> None:
    """Turn ``cfg`` into the config of a segmentor's test with augmentation, in place.

    Uses ``tta_model`` and ``tta_pipeline`` of the config; without them the mean of the
    probabilities at 0.75, 1 and 1.25 times the test's size, each plain and mirrored.

    Raises:
        UserError: No views can be made from the test pipeline.
    """
    dataset = innermost(cfg.test_dataloader.dataset)
    meta = classes_of(cfg)
    metas = meta.get('tasks') or {'': meta}
    mirrored = {task: mirrored_labels(m) for task, m in metas.items() if m.get('classes')}
    model = dict(cfg.get('tta_model') or {})
    if model.get('type') in (None, 'SegTTAModel', 'mmseg.SegTTAModel'):
        model.update(type='mmvisx.SegTTAModel', mirrored=mirrored)
    dataset.pipeline = cfg.get('tta_pipeline') or scaled_views(dataset.pipeline)
    cfg.model = ConfigDict(**model, module=cfg.model)


def enable_classifier_tta(cfg: Config) -> None:
    """Turn ``cfg`` into the config of a classifier's test with augmentation, in place.

    Uses ``tta_model`` and ``tta_pipeline`` of the config; without them the mean of the
    probabilities of the image and of its mirror image.

    Raises:
        UserError: No views can be made from the test pipeline.
    """
    dataset = innermost(cfg.test_dataloader.dataset)
    load, *rest = _ends(dataset.pipeline)
    views = [*([step] for step in rest[:-1]), _flips(), rest[-1:]]
    own = [load, dict(type='TestTimeAug', transforms=views)]
    model = cfg.get('tta_model') or dict(type='mmpretrain.AverageClsScoreTTA')
    dataset.pipeline = cfg.get('tta_pipeline') or own
    cfg.model = ConfigDict(**model, module=cfg.model)


def scaled_views(pipeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a segmentor's test pipeline at several sizes, each plain and mirrored.

    Label maps are loaded last: they keep their size and are not mirrored.

    Raises:
        UserError: The pipeline does not start with a LoadImage and end with a Pack transform.
    """
    load, *rest, pack = _ends(pipeline)
    labels = [step for step in rest if name_of(step).startswith('Load')]
    steps = [[step] for step in rest if step not in labels]
    place = next((k for k, (step,) in enumerate(steps) if name_of(step) == 'Resize'), None)
    if place is None:
        place = len(steps)
        steps.append([dict(type='Resize', scale_factor=1.0, keep_ratio=True)])
    steps[place] = [_scaled(steps[place][0], ratio) for ratio in RATIOS]
    views = [*steps, _flips(), *([step] for step in labels), [pack]]
    return [load, dict(type='TestTimeAug', transforms=views)]


def _ends(pipeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
    steps = [copy.deepcopy(dict(step)) for step in pipeline]
    names = [name_of(step) for step in steps]
    if not (names[0].startswith('LoadImage') and names[-1].startswith('Pack')):
        raise UserError(
            '--tta: cannot make a tta_pipeline from a test pipeline that does not start with a '
            f'LoadImage and end with a Pack transform ({", ".join(names)}); add tta_pipeline'
        )
    return steps


def _flips() -> list[dict[str, Any]]:
    return [dict(type='RandomFlip', prob=prob) for prob in (0.0, 1.0)]


def _scaled(resize: dict[str, Any], ratio: float) -> dict[str, Any]:
    """Return a ``Resize`` to ``ratio`` times its size."""
    resize = dict(resize)
    for key in ('scale', 'scale_factor'):
        value = resize.get(key)
        if value is None:
            continue
        several = value if isinstance(value, list | tuple) else [value]
        larger = [v * ratio if key == 'scale_factor' else round(v * ratio) for v in several]
        resize[key] = tuple(larger) if isinstance(value, list | tuple) else larger[0]
    return resize
