"""What differs between the tasks: detection, segmentation, classification, and none of them.

A config says its task by ``default_scope``. This module is the only place that asks for it; all
others ask :func:`task_of` for what they need. What stands on a higher floor is given by name: a
type that MMEngine's registries know, or ``module:function``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from types import MappingProxyType
from typing import Any

from mmengine.config import Config

from mmvisx.utils.errors import UserError
from mmvisx.utils.text import similar

__all__ = ['DEFAULT_SCOPE', 'TASKS', 'Task', 'task_of']

DEFAULT_SCOPE = 'mmdet'  # of a config that names none


@dataclass(frozen=True)
class Task:
    """What a task adds to the tools; ``None`` where it has no such thing.

    Attributes:
        scope: ``default_scope`` of its configs.
        model: What a model of it is called.
        prediction_dump: Metric that collects the predictions of every image.
        picture_hook: Hook that draws a test's predictions; into ``out_dir`` unless there is a
            :attr:`visualizer`.
        visualizer: What ``picture_hook`` draws with, if it is MMEngine's hook ``visualization``.
        label_check: Hook that refuses labels which the model does not have.
        own_metrics: Metric of the library -> what puts this package's in its place: a function
            of the evaluator's config, which it returns as it is where it keeps it.
        tta: Function of a config that gives its test augmented views.
        ensemble: Model that averages several.
        inferencer: Inferencer (:data:`mmvisx.registry.INFERENCERS`).
        classes: Function of a config and class names that gives them to data sets and heads.
        sample_picture: Function of a sample and its data set's ``metainfo`` that draws it.
        one_test_size: Whether the test pipeline brings all images to about one size, which is
            then the one that speed and multiply-adds are given for.
    """

    scope: str
    model: str = 'model'
    prediction_dump: str = 'DumpResults'
    picture_hook: str | None = None
    visualizer: str | None = None
    label_check: str | None = None
    own_metrics: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = field(
        default_factory=dict
    )
    tta: str | None = None
    ensemble: str | None = None
    inferencer: str | None = None
    classes: str | None = None
    sample_picture: str | None = None
    one_test_size: bool = True

    def need(self, name: str, wanted_by: str) -> Any:
        """Return an attribute; a function that is given by name is imported.

        Args:
            name: Of the attribute.
            wanted_by: What cannot do without it, for the message: ``'--tta'``.

        Raises:
            UserError: The task has none.
        """
        value = getattr(self, name)
        if value is None:
            others = [scope for scope, task in TASKS.items() if getattr(task, name) is not None]
            raise UserError(
                f'{wanted_by} is not possible with default_scope={self.scope!r} of the config, '
                f'only with {", ".join(others)}'
            )
        return resolve_name(value) if ':' in value else value


def _coco_metric(evaluator: dict[str, Any]) -> dict[str, Any]:
    return dict(evaluator, type='mmvisx.CocoMetric')


def _voc_metric(evaluator: dict[str, Any]) -> dict[str, Any]:
    if evaluator.get('metric', 'mAP') not in ('mAP', ['mAP']):
        return evaluator
    kept = {k: v for k, v in evaluator.items() if k in ('iou_thrs', 'prefix')}
    return dict(type='mmvisx.VOCMetric', **kept)


TASKS: Mapping[str, Task] = MappingProxyType(
    {
        task.scope: task
        for task in (
            Task(
                'mmdet',
                model='detector',
                prediction_dump='mmdet.DumpDetResults',  # packs masks
                picture_hook='mmdet.DetVisualizationHook',
                visualizer='mmdet.DetLocalVisualizer',
                own_metrics={  # for class tables and both VOC rules
                    'mmdet.CocoMetric': _coco_metric,
                    'mmdet.VOCMetric': _voc_metric,
                },
                tta='mmvisx.apis.tta:enable_detector_tta',
                inferencer='mmvisx.Inferencer',
                classes='mmvisx.utils.config.classes:set_box_classes',
                sample_picture='mmvisx.visualization.vip_deeplab_frames:draw_boxes_or_frames',
            ),
            Task(
                'mmseg',
                model='segmentor',
                picture_hook='mmvisx.SegmentationPicturesHook',
                label_check='mmvisx.CheckSegLabelsHook',
                tta='mmvisx.apis.tta_views:enable_segmentor_tta',
                inferencer='mmvisx.SegmentationInferencer',
                classes='mmvisx.utils.config.classes:set_mask_classes',
                sample_picture='mmvisx.visualization.browse_samples:draw_masks',
                one_test_size=False,
            ),
            Task(
                'mmpretrain',
                model='classifier',
                picture_hook='mmvisx.ClassificationPicturesHook',
                label_check='mmvisx.CheckLabelsHook',
                tta='mmvisx.apis.tta_views:enable_classifier_tta',
                ensemble='mmvisx.EnsembleClassifier',
                inferencer='mmvisx.ClassificationInferencer',
                classes='mmvisx.utils.config.classes:set_folder_classes',
                sample_picture='mmvisx.visualization.browse_samples:draw_class',
            ),
            # Models of no library's task, which need no classes: nothing is added to a run.
            Task('mmengine'),
            Task('mmvisx'),
        )
    }
)


def task_of(cfg: Config) -> Task:
    """Return the task of a config.

    Raises:
        UserError: ``default_scope`` is none of :data:`TASKS`.
    """
    scope = cfg.get('default_scope') or DEFAULT_SCOPE
    if scope not in TASKS:
        raise UserError(
            f'default_scope={scope!r} of the config is not known{similar(str(scope), TASKS)}; '
            f'known are {", ".join(TASKS)}'
        )
    return TASKS[scope]
