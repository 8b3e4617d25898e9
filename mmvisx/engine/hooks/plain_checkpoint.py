"""Checkpoints that can be read without running anything."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvisx.utils.plain import plain, with_histories

__all__ = ['PlainCheckpointHook']


class PlainCheckpointHook(Hook):
    """Turn what is saved into plain data, and back where MMEngine wants its own classes.

    :class:`mmvisx.engine.runner.CheckedRunner` adds it behind all others, which may add entries.
    """

    priority = 'LOWEST'

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Turn it into plain data; what has none is named in the log."""
        odd: dict[str, str] = {}
        for key, value in checkpoint.items():
            checkpoint[key] = plain(value, str(key), odd)
        for name, kind in odd.items():
            runner.logger.warning(
                f'the checkpoint entry {name} is a {kind}, which is no plain data: it will only '
                'be read with --trust-checkpoint. Let what stores it give numbers, texts, '
                'tensors, lists and dicts'
            )

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Give MMEngine its histories of the log back, and no config, which it would evaluate."""
        if isinstance(checkpoint.get('meta'), dict):
            checkpoint['meta'].pop('config', None)
        hub = checkpoint.get('message_hub')
        if isinstance(hub, dict):
            checkpoint['message_hub'] = with_histories(hub)
