"""Write views of a co-trained model as classifiers of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict

from mmvisx.apis.build import build_model
from mmvisx.utils.checkpoint import read_checkpoint
from mmvisx.utils.checkpoint_file import write_checkpoint
from mmvisx.utils.config.model import model_config
from mmvisx.utils.errors import UserError
from mmvisx.utils.files import write_text
from mmvisx.utils.tasks import task_of

__all__ = ['config_of_view', 'split_views']

# What a config needs for testing and predicting, beside the model.
_KEPT = (
    'default_hooks',
    'env_cfg',
    'vis_backends',
    'visualizer',
    'log_level',
    'test_dataloader',
    'test_cfg',
)
# Whose views predict, each as a plain classifier
_WITH_VIEWS = (
    'mmvisx.CoTrainingClassifier',
    'mmvisx.ConfidentCoTraining',
    'mmvisx.PiModel',
    'mmvisx.SupervisedViews',
)


def config_of_view(cfg: Config, index: int) -> Config:
    """Return the config of one view of a co-trained classifier, without its training.

    Test data and preprocessing are those of ``cfg``; the metric is the accuracy.
    """
    model = model_config(cfg)
    view = ConfigDict(model.views[index], data_preprocessor=model.get('data_preprocessor'))
    kept = {name: cfg[name] for name in _KEPT if cfg.get(name) is not None}
    if 'test_dataloader' in kept:
        kept['test_evaluator'] = dict(type='Accuracy', topk=(1,))
        kept.setdefault('test_cfg', dict(type='TestLoop'))
    return Config(dict(kept, model=view, default_scope=task_of(cfg).scope))


def split_views(
    cfg: Config, checkpoint: str | Path, out: str | Path, views: Sequence[int] | None = None
) -> list[Path]:
    """Write ``view_{i}.pth`` and ``view_{i}.py``, a plain classifier and its config, of each view.

    Args:
        cfg: Config of a :class:`mmvisx.CoTrainingClassifier`, or of one that learns otherwise.
        checkpoint: Its weights.
        out: Folder to write into.
        views: Which, counted from 0; all by default.

    Returns:
        The checkpoints.

    Raises:
        UserError: the config is of another model, the checkpoint does not fit, or there is no
            such view.
    """
    kind = model_config(cfg).get('type')
    if kind == 'mmvisx.CoTrainingSegmentor':
        raise UserError(
            f'the config is of model.type={kind!r}, whose views are no classifiers and are not '
            'written: mmvisx test says how good each is (mmvisx.ViewIoU), and of the checkpoint '
            "the weights that begin with 'views.0.' are those of the first"
        )
    if kind not in _WITH_VIEWS:
        raise UserError(
            f'the config is of model.type={kind!r}, which has no views that predict by '
            f'themselves: give the config of a {_WITH_VIEWS[0]}'
        )
    model: Any = build_model(cfg, checkpoint)
    count = len(model.views)
    chosen = list(range(count)) if views is None else list(views)
    for index in chosen:
        if not 0 <= index < count:
            raise UserError(f'there is no view {index}: the model has {count}, counted from 0')
    meta = read_checkpoint(checkpoint).get('meta', {})
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for index in chosen:
        plain = config_of_view(cfg, index)
        path = folder / f'view_{index}.pth'
        content = dict(
            meta=dict(meta, cfg=plain.pretty_text), state_dict=model.views[index].state_dict()
        )
        write_checkpoint(content, path)
        write_text(path.with_suffix('.py'), plain.dump())
        written.append(path)
    return written
