"""Epochs that can be resumed in their middle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmengine.runner import EpochBasedTrainLoop

from .skipping import iterate_after

__all__ = ['EpochLoop']

_EPOCH = 'mmvisx_epoch'  # of the message hub, which checkpoints hold


class EpochLoop(EpochBasedTrainLoop):
    """MMEngine's training by epochs, which goes on inside of an epoch when it is resumed there.

    :class:`mmvisx.engine.runner.CheckedRunner` puts it in the place of MMEngine's own. A
    checkpoint says with which iteration its epoch began; the batches from there on are drawn, but
    not loaded (:func:`~mmvisx.engine.loops.skipping.iterate_after`). A run that is resumed with
    another number of batches in an epoch, on more processes for example, goes on after the same
    share of it. A checkpoint that does not say is one from the end of an epoch.
    """

    runner: Any
    _epoch: int
    _iter: int

    @property
    def done(self) -> int:
        """Batches of this epoch that have been trained on."""
        epoch, began, _ = self.runner.message_hub.get_info(_EPOCH) or (-1, 0, 0)
        return int(self._iter - began) if epoch == self._epoch else 0

    def run_epoch(self) -> None:
        """Train for an epoch, or for the rest of the one that was interrupted."""
        done = self._same_share()
        for index, data_batch in enumerate(self._begin(done), done):
            self.run_iter(index, data_batch)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def _same_share(self) -> int:
        """Return how many batches are to be skipped."""
        done, now = self.done, len(self.dataloader)
        if not done:
            return 0
        before = self.runner.message_hub.get_info(_EPOCH)[2]
        if before == now:
            return done
        share = min(round(done * now / before), now)
        self.runner.logger.warning(
            f'the epoch had {before} batches when it was interrupted and has {now} now: going on '
            f'after {share} of them'
        )
        return share

    def _begin(self, done: int) -> Iterator[Any]:
        """Begin as the uninterrupted epoch did: hooks and random numbers see its first iteration.

        Returns:
            What is left of the epoch's batches.
        """
        now = self._iter
        self._iter = began = now - done
        self.runner.message_hub.update_info(_EPOCH, [self._epoch, began, len(self.dataloader)])
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        batches = iterate_after(self.dataloader, done)
        self._iter = now
        return batches
