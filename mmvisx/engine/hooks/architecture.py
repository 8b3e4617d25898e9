"""Hooks whose checkpoints say what was done to the network."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvisx.engine.architecture import follow_checkpoint
from mmvisx.utils.architecture import keep_entry, read_entries, rebuild
from mmvisx.utils.modules import unwrap

__all__ = ['ArchitectureHook', 'KeepArchitectureHook']


class ArchitectureHook(Hook):
    """Base of hooks that change the network: its checkpoints say how, and are loaded with it.

    A subclass names its :attr:`key` in :data:`mmvisx.registry.ARCHITECTURES`, says what was done
    (:meth:`entry`), and takes over what a loaded checkpoint says (:meth:`adopt`). The network
    itself is rebuilt by :func:`mmvisx.utils.checkpoint.load_weights`.
    """

    key: str

    def entry(self) -> Any:
        """Return what checkpoints have to say; None: nothing was done yet."""
        raise NotImplementedError

    def adopt(self, runner: Runner, entry: Any) -> None:
        """Take over the entry of a checkpoint, to which the network has been rebuilt.

        Its weights are not loaded yet. Called when a run is resumed, and also when only weights
        are loaded (``runner._resume`` is False then).
        """
        raise NotImplementedError

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Store what was done."""
        entry = self.entry()
        if entry is not None:
            keep_entry(checkpoint, self.key, entry)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take over what was done; before the weights are loaded."""
        if self.key not in checkpoint:
            return
        if not getattr(runner, 'rebuilds', False):  # MMEngine's own
            changes = rebuild(unwrap(runner.model), checkpoint, 'that was loaded')
            follow_checkpoint(runner, checkpoint, changes)
        self.adopt(runner, checkpoint[self.key])


class KeepArchitectureHook(Hook):
    """Store again what the loaded checkpoint says of its network, where no hook speaks for it.

    So a network that was pruned, say, can be trained on with a config that knows nothing of it,
    and the new checkpoints load as well. :class:`mmvisx.engine.runner.CheckedRunner` adds it.
    """

    def __init__(self) -> None:
        self.entries: dict[str, Any] = {}

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Remember."""
        spoken_for = {hook.key for hook in runner.hooks if isinstance(hook, ArchitectureHook)}
        entries = read_entries(checkpoint, 'that was loaded')
        self.entries = {key: e for key, e in entries.items() if key not in spoken_for}

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Store."""
        for key, entry in self.entries.items():
            keep_entry(checkpoint, key, entry)
