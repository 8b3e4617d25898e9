"""A training that waits at an iteration, to be killed there: ``PAUSE_AT=6 python train.py``."""

import os
import time

from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module(force=True)
class PauseHook(Hook):
    """Wait when the iteration that the environment names is done and logged."""

    priority = 'LOWEST'

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Sleep for longer than any test waits."""
        if str(runner.iter + 1) == os.environ.get('PAUSE_AT'):
            time.sleep(3600)
