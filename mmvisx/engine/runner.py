"""MMEngine's runner, with checks before anything is trained or tested on wrong weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.distributed as torch_dist
from mmengine.dist import is_distributed, is_main_process
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapperDict
from mmengine.runner import BaseLoop, EpochBasedTrainLoop, IterBasedTrainLoop
from torch import nn
from torch.utils.data import DataLoader

from mmvisx.engine.architecture import follow_checkpoint
from mmvisx.engine.hooks.architecture import KeepArchitectureHook
from mmvisx.engine.hooks.interruption import InterruptionHook
from mmvisx.engine.hooks.loop_state import LOOP, KeepLoopHook
from mmvisx.engine.hooks.plain_checkpoint import PlainCheckpointHook
from mmvisx.engine.hooks.progress import ProgressHook
from mmvisx.engine.keeping_runner import KeepingRunner
from mmvisx.engine.loops import EpochLoop, SkippingIterator
from mmvisx.engine.schedule import check_batches, overlong_schedules
from mmvisx.engine.warm_up import shorten_warm_up
from mmvisx.registry import LOOPS, RUNNERS
from mmvisx.utils.architecture import Change
from mmvisx.utils.checkpoint import load_weights, read_checkpoint
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import unwrap
from mmvisx.utils.pretrained import check_pretrained_parts
from mmvisx.utils.screen import current_screen
from mmvisx.utils.signals import ignore_in_workers


@RUNNERS.register_module()
class CheckedRunner(KeepingRunner):
    """A runner that refuses a checkpoint of another model.

    MMEngine logs missing and mismatching weights and goes on. Here resuming and testing
    need every weight (:attr:`allow_partial` lifts that for testing), and ``load_from``,
    where a new class list changes the heads, needs half of them.

    The config goes into the work dir when a training starts. Tests leave that one alone: they
    write theirs, which names other weights and other pipelines, into their log folder.

    Processes started by torchrun on a machine without GPU talk through gloo.

    A training loop may do without an optimizer (:class:`mmvisx.engine.loops.StepLoop`).

    Raises:
        UserError: ``train_cfg`` names a loop that needs ``optim_wrapper``, which is missing.
    """

    allow_partial = False
    loaded_from: str | None = None  # a checkpoint
    rebuilds = True  # a checkpoint's network, which MMEngine's runner leaves to the hooks
    _load_mode = 'finetune'

    def __init__(
        self,
        *args: Any,
        train_cfg: dict | None = None,
        optim_wrapper: Any = None,
        **kwargs: Any,
    ) -> None:
        if train_cfg is not None and optim_wrapper is None:
            if _needs_optimizer(train_cfg):
                raise UserError(
                    f'train_cfg={dict(train_cfg)} needs an optimizer, but the config has no '
                    "optim_wrapper: add optim_wrapper=dict(optimizer=dict(type='SGD', lr=...))"
                )
            optim_wrapper = OptimWrapperDict()
        super().__init__(*args, train_cfg=train_cfg, optim_wrapper=optim_wrapper, **kwargs)

    def setup_env(self, env_cfg: dict) -> None:
        """Start the process group on CPU machines, where MMEngine's start needs CUDA."""
        if self.launcher == 'pytorch' and not torch.cuda.is_available() and not is_distributed():
            torch_dist.init_process_group(backend='gloo')
        super().setup_env(env_cfg)

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Build the logger; it leaves most to its file where a command has a quiet screen."""
        logger = super().build_logger(*args, **kwargs)
        screen = current_screen()
        if screen is not None:
            screen.take(logger)
        return logger

    def dump_config(self) -> None:
        """Write nothing yet: MMEngine calls this before it is known what will be run."""

    def build_param_scheduler(self, scheduler: Any) -> Any:
        """Build the schedulers; says which of them are for a longer training than this.

        A warm-up that is too long is shortened, and said.
        """
        if isinstance(scheduler, list | tuple) and all(isinstance(s, dict) for s in scheduler):
            scheduler, line = shorten_warm_up(scheduler, self.max_iters)
            if line:
                self.logger.warning(line)
        for line in overlong_schedules(scheduler, self.max_epochs, self.max_iters):
            self.logger.warning(line)
        return super().build_param_scheduler(scheduler)

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Wrap the model; on CPU machines without the device number MMEngine always passes."""
        if self.distributed and model_wrapper_cfg is None and not torch.cuda.is_available():
            model_wrapper_cfg = dict(
                type='MMDistributedDataParallel',
                device_ids=None,
                broadcast_buffers=False,
                find_unused_parameters=self.cfg.get('find_unused_parameters', False),
            )
        return super().wrap_model(model_wrapper_cfg, model)

    def build_train_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """Build the loop: one that can be resumed anywhere for each of MMEngine's two.

        Raises:
            UserError: the data do not fill a batch.
        """
        if isinstance(loop, Mapping):
            loop = _resumable(loop)
        loop = super().build_train_loop(loop)
        check_batches(loop.dataloader)
        if isinstance(loop, IterBasedTrainLoop):
            loop.dataloader_iterator = SkippingIterator(loop.dataloader)
        return loop

    @staticmethod
    def build_dataloader(
        dataloader: DataLoader | dict, seed: int | None = None, diff_rank_seed: bool = False
    ) -> DataLoader:
        """Build a loader, whose workers leave it to this process when they end."""
        loader = KeepingRunner.build_dataloader(dataloader, seed, diff_rank_seed)
        ignore_in_workers(loader)
        return loader

    def _init_model_weights(self) -> None:
        check_pretrained_parts(self.model)
        super()._init_model_weights()

    def register_hooks(
        self,
        default_hooks: dict[str, Hook | dict] | None = None,
        custom_hooks: list[Hook | dict] | None = None,
    ) -> None:
        """Register the config's hooks, and what checkpoints hold besides."""
        self.register_hook(KeepArchitectureHook(), 'HIGHEST')
        self.register_hook(KeepLoopHook())
        super().register_hooks(default_hooks, custom_hooks)
        screen = current_screen()
        if screen is not None and is_main_process():
            progress = ProgressHook(screen)
            progress.introduce(self)
            self.register_hook(progress)
        self.register_hook(PlainCheckpointHook())
        self._interruption = InterruptionHook()
        self.register_hook(self._interruption)

    def load_checkpoint(
        self,
        filename: str,
        map_location: str | Callable = 'cpu',
        strict: bool = False,
        revise_keys: list = [],  # noqa: B006 - the signature of the base class
    ) -> dict[str, Any]:
        """Rebuild the network as the checkpoint's was and load its weights.

        What the class refuses is refused.

        Raises:
            UserError: the file is not a checkpoint, or one of another model.
        """
        if str(map_location).startswith('mps'):
            map_location = 'cpu'  # that device knows no float64, which the histories are in
        checkpoint = read_checkpoint(filename, map_location)

        def before_weights(changes: list[Change]) -> None:
            follow_checkpoint(self, checkpoint, changes)
            self.call_hook('after_load_checkpoint', checkpoint=checkpoint)  # EMAHook's weights

        mode = 'exact' if strict else self._load_mode
        load_weights(unwrap(self.model), checkpoint, filename, mode, before_weights)
        self._has_loaded = True
        self.loaded_from = filename
        self.logger.info(f'Load checkpoint from {filename}')
        return checkpoint

    def resume(
        self,
        filename: str,
        resume_optimizer: bool = True,
        resume_param_scheduler: bool = True,
        map_location: str | Callable = 'default',
    ) -> None:
        """Go on with a run, which needs a complete checkpoint.

        Raises:
            UserError: the checkpoint holds weights only, or is one of another model.
        """
        checkpoint = read_checkpoint(filename)
        optimizes = not isinstance(self.optim_wrapper, OptimWrapperDict) or len(self.optim_wrapper)
        if 'epoch' not in checkpoint.get('meta', {}) or (
            optimizes and 'optimizer' not in checkpoint
        ):
            raise UserError(
                f'checkpoint {filename} holds weights only, a run cannot be resumed from it. '
                f'To start a new run from these weights: --cfg-options load_from={filename}'
            )
        state = checkpoint.get(LOOP)
        del checkpoint
        self._load_mode = 'exact'
        super().resume(filename, resume_optimizer, resume_param_scheduler, map_location)
        if state is not None:
            self.train_loop.load_state_dict(state)

    def val(self) -> dict[str, float]:
        """Validate; the weights have to fit exactly."""
        self._load_mode = 'partial' if self.allow_partial else 'exact'
        self.write_config(self.log_dir)
        return super().val()

    def test(self) -> dict[str, float]:
        """Test; the weights have to fit exactly."""
        self._load_mode = 'partial' if self.allow_partial else 'exact'
        self.write_config(self.log_dir)
        return super().test()

    def train(self) -> nn.Module:
        """Train.

        Raises:
            SystemExit: the process was told to end, and a checkpoint is saved; see
                :class:`~mmvisx.engine.hooks.interruption.InterruptionHook`.
        """
        self._load_mode = 'finetune'
        try:
            return super().train()
        finally:
            self._interruption.release()


def _resumable(train_cfg: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config of a training loop, with our epochs for MMEngine's."""
    cfg = dict(train_cfg)
    if 'type' not in cfg and cfg.get('by_epoch'):
        del cfg['by_epoch']
        cfg['type'] = EpochLoop
    elif _loop_class(cfg) is EpochBasedTrainLoop:
        cfg['type'] = EpochLoop
    return cfg


def _loop_class(train_cfg: Mapping[str, Any]) -> Any:
    kind = train_cfg.get('type')
    return LOOPS.get(kind) if isinstance(kind, str) else kind


def _needs_optimizer(train_cfg: Mapping[str, Any]) -> bool:
    return bool(getattr(_loop_class(train_cfg), 'needs_optimizer', True))
