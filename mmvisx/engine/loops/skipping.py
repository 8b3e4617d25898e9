"""Go on in the middle of the data: what has been drawn before is drawn again, but not loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from mmengine.runner.loops import _InfiniteDataloaderIterator
from torch.utils.data import DataLoader, IterableDataset

__all__ = ['SkippingIterator', 'iterate_after']


class _SkippingBatches:
    """A sampler's batches of indices without the first ones, which it leaves out once."""

    def __init__(
        self, batches: Any, skip: int, start_next_pass: Callable[[], None] | None = None
    ) -> None:
        self.batches = batches
        self._skip = skip
        self._start_next_pass = start_next_pass

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        left, self._skip = self._skip, 0
        while True:
            for batch in self.batches:
                if left:
                    left -= 1
                else:
                    yield batch
            if not left or self._start_next_pass is None:
                return
            self._start_next_pass()


def iterate_after(
    loader: DataLoader, skip: int, start_next_pass: Callable[[], None] | None = None
) -> Iterator[Any]:
    """Iterate over a loader without its first ``skip`` batches, of which nothing is loaded.

    Any sampler and batch sampler is asked for its indices as always, so that its order, and the
    numbers of samples (:class:`mmvisx.engine.hooks.random_state.NumberedSampler`), are those of
    an uninterrupted pass. Only of a stream (``IterableDataset``) batches must be loaded to be
    skipped.

    Args:
        start_next_pass: Called where what is to be skipped goes beyond the data's end, and on at
            the beginning; by default it ends there.
    """
    if not skip or isinstance(loader.dataset, IterableDataset):
        return islice(loader, skip, None)
    name = 'sampler' if loader.batch_sampler is None else 'batch_sampler'
    whole: Iterable[Any] = getattr(loader, name)
    # A loader takes no other sampler by assignment. This one is for one iterator.
    vars(loader)[name] = _SkippingBatches(whole, skip, start_next_pass)
    try:
        return iter(loader)
    finally:
        vars(loader)[name] = whole


class SkippingIterator(_InfiniteDataloaderIterator):
    """MMEngine's endless iterator, whose way forward loads nothing with any sampler.

    MMEngine's needs a sampler that can skip; with others its workers load all that is skipped.
    """

    _dataloader: DataLoader

    def skip_iter(self, num_iters: int) -> None:
        """Go forward by ``num_iters`` batches, over any number of passes."""
        streams = isinstance(self._dataloader.dataset, IterableDataset)
        if streams or self._resolve_sampler() is not None:
            super().skip_iter(num_iters)
        elif num_iters > 0:
            self._iterator = iterate_after(self._dataloader, num_iters, self._start_next_pass)

    def _start_next_pass(self) -> None:
        # What _reset_iterator does before it makes the next iterator.
        self._epoch += 1
        loader = self._dataloader
        samplers: tuple[Any, ...] = loader.sampler, getattr(loader.batch_sampler, 'sampler', None)
        for sampler in samplers:
            if hasattr(sampler, 'set_epoch'):
                sampler.set_epoch(self._epoch)
                return
