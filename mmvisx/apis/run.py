"""What ``tools/train.py`` and ``tools/test.py`` do with a config before they run it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import METRICS, RUNNERS

from mmvisx.engine.runner import CheckedRunner
from mmvisx.evaluation.prediction_file import PredictionFile
from mmvisx.utils.config import apply_options, load_config
from mmvisx.utils.errors import UserError
from mmvisx.utils.tasks import DEFAULT_SCOPE, task_of

BFLOAT16 = 'mmvisx.BFloat16OptimWrapper'
ASYNCHRONOUS = 'mmvisx.AsynchronousSGD'


def prepare_config(
    path: str | Path,
    work_dir: str | Path | None = None,
    options: dict[str, Any] | None = None,
    launcher: str = 'none',
) -> Config:
    """Read a config and apply the options that all tools share.

    ``work_dir`` goes before the config's own, and ``work_dirs/{config name}`` is the default.

    Raises:
        UserError: see :func:`load_config`, :func:`apply_options` and :func:`task_of`.
    """
    cfg = load_config(path)
    apply_options(cfg, options or {})
    cfg.launcher = launcher
    if work_dir is not None:
        cfg.work_dir = str(work_dir)
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(path).stem)
    cfg.setdefault('default_scope', DEFAULT_SCOPE)
    task_of(cfg)  # says it here if the task is unknown
    return cfg


def set_resume(cfg: Config, resume: str | None) -> None:
    """Apply ``--resume``: ``'auto'`` takes the latest checkpoint of the work dir.

    Where there is none, ``load_from`` counts: a script may always say ``--resume``.
    """
    if resume == 'auto':
        cfg.resume = 'auto'
    elif resume is not None:
        cfg.resume = True
        cfg.load_from = resume


def enable_amp(cfg: Config) -> None:
    """Apply ``--amp``: float16 with a scaled loss on a GPU, bfloat16 where there is none.

    Raises:
        UserError: the optimizer wrapper is another kind, or there is none.
    """
    wrapper = cfg.get('optim_wrapper')
    if wrapper is None:
        raise UserError('--amp: the config has no optim_wrapper, so there is nothing to replace')
    kind = str(wrapper.get('type', 'OptimWrapper'))
    if kind == ASYNCHRONOUS:
        wrapper.setdefault('dtype', 'float16' if torch.cuda.is_available() else 'bfloat16')
        return
    if kind not in ('OptimWrapper', 'AmpOptimWrapper', BFLOAT16):
        raise UserError(f'--amp replaces OptimWrapper, but optim_wrapper.type is {kind!r}')
    if kind == BFLOAT16:
        return
    if torch.cuda.is_available():
        wrapper.type = 'AmpOptimWrapper'
        wrapper.setdefault('loss_scale', 'dynamic')
        return
    wrapper.type = BFLOAT16
    for key in ('loss_scale', 'dtype', 'use_fsdp'):
        wrapper.pop(key, None)


def enable_auto_scale_lr(cfg: Config) -> None:
    """Apply ``--auto-scale-lr``.

    Raises:
        UserError: the config does not say for which batch size its learning rate is.
    """
    if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
        raise UserError(
            '--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=N) in the config: the number '
            'of images a step that its learning rate was chosen for'
        )
    cfg.auto_scale_lr.enable = True


def add_loss_check(cfg: Config) -> None:
    """Add the check for non-finite losses unless the config has one."""
    hooks = cfg.setdefault('custom_hooks', [])
    if not any('CheckFiniteLossHook' in str(hook.get('type')) for hook in hooks):
        interval = 10 if torch.cuda.is_available() else 1
        _add_hook(cfg, type='mmvisx.CheckFiniteLossHook', interval=interval)


def add_label_check(cfg: Config) -> None:
    """Add the task's check for labels that the model does not have, unless the config has it."""
    check = task_of(cfg).label_check
    if check is None:
        return
    name = check.rpartition('.')[2]
    if not any(name in str(hook.get('type')) for hook in cfg.get('custom_hooks') or []):
        _add_hook(cfg, type=check)


def _add_hook(cfg: Config, **hook: Any) -> None:
    cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), ConfigDict(hook)]


def enable_fusing(cfg: Config) -> None:
    """Make a test fold batch normalisations and standardised weights."""
    _add_hook(cfg, type='mmvisx.FuseForTestHook')


def draw_predictions(cfg: Config, folder: str | Path) -> None:
    """Make a test draw its predictions into ``folder``.

    Raises:
        UserError: the config's task has no pictures.
    """
    task = task_of(cfg)
    picture_hook = task.need('picture_hook', '--show-dir')
    if task.visualizer is None:
        _add_hook(cfg, type=picture_hook, out_dir=str(folder))
        return
    cfg.setdefault('visualizer', ConfigDict(type=task.visualizer, name='visualizer'))
    cfg.setdefault('default_hooks', ConfigDict())
    hook = cfg.default_hooks.get('visualization') or ConfigDict(type=picture_hook)
    # mmdet joins a relative folder to the work dir once per batch.
    hook.update(draw=True, test_out_dir=str(Path(folder).absolute()))
    cfg.default_hooks.visualization = hook


def build_runner(cfg: Config) -> CheckedRunner:
    """Build the runner of a config."""
    if cfg.get('visualizer'):
        # A second runner of the same process would get the first one's visualizer, and write
        # its curves into the first one's work dir, if both had the name in the config.
        cfg.visualizer.pop('name', None)
    kind = cfg.get('runner_type')
    if kind is None:
        return CheckedRunner.from_cfg(cfg)
    return RUNNERS.build(cfg)


def set_local_rank(local_rank: int) -> None:
    """Give MMEngine the process's number on its machine, which older launchers pass by option."""
    os.environ.setdefault('LOCAL_RANK', str(local_rank))


def prediction_dump(cfg: Config, path: str | Path) -> Any:
    """Return the metric that writes the predictions of every image to ``path`` (.npz)."""
    # MMEngine's name for what it would write itself.
    kind = dict(type=task_of(cfg).prediction_dump, out_file_path='unused.pkl')
    return PredictionFile(METRICS.build(kind), path)


def use_own_metrics(cfg: Config) -> None:
    """Put this package's metrics in the place of the library's."""
    task = task_of(cfg)
    evaluators = cfg.test_evaluator
    for evaluator in evaluators if isinstance(evaluators, list) else [evaluators]:
        kind = str(evaluator.get('type'))
        replace = task.own_metrics.get(kind if '.' in kind else f'{task.scope}.{kind}')
        if replace is not None:
            new = replace(dict(evaluator))
            evaluator.clear()
            evaluator.update(new)
