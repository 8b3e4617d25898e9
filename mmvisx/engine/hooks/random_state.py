"""Random numbers that a resumed run draws like the uninterrupted one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from torch.utils.data import BatchSampler, IterableDataset

from mmvisx.registry import HOOKS
from mmvisx.utils.random_numbers import seed_everything

__all__ = ['Draw', 'NumberedSampler', 'RandomStateHook', 'SeededFetch']

# What the numbers are for; without it, iterations and samples would share them.
_ITERATION, _SAMPLE = 1, 2


class Draw(int):
    """Index of a sample that says when it was drawn: pass over the data, place in the pass."""

    when = (0, 0)


class NumberedSampler:
    """Give every index of a sampler its :class:`Draw`.

    Attributes:
        epoch: Of the next pass.
        start: Place of the next pass's first index.
    """

    def __init__(self, sampler: Iterable[int]) -> None:
        self.sampler = sampler
        self.epoch = self.start = 0

    def __iter__(self) -> Iterator[Draw]:
        epoch, start = self.epoch, self.start
        self.epoch, self.start = epoch + 1, 0
        for place, index in enumerate(self.sampler, start):
            draw = Draw(index)
            draw.when = (epoch, place)
            yield draw

    def __len__(self) -> int:
        return len(self.sampler)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Any:
        # Hooks look for set_epoch and the like.
        if name == 'sampler':
            raise AttributeError(name)  # being unpickled
        return getattr(self.sampler, name)


class SeededFetch:
    """Load a batch, seeding the random numbers before each sample.

    To be set as ``__getitems__`` of the outermost data set, where PyTorch's loader looks
    for it. The key is (seed, pass over the data, place in the pass, index), so it does not
    matter which worker loads the sample, nor what it has loaded before.

    Args:
        seed: Seed of the run.
    """

    def __init__(self, dataset: Any, seed: int) -> None:
        self.dataset = dataset
        self.seed = seed

    def __call__(self, draws: Sequence[Draw]) -> list[Any]:
        """Return the samples."""
        samples = []
        for draw in draws:
            seed_everything(self.seed, _SAMPLE, *draw.when, int(draw))
            samples.append(self.dataset[int(draw)])
        return samples


@HOOKS.register_module()
class RandomStateHook(Hook):
    """Tie all random numbers of a training to its seed and its progress.

    mmengine's checkpoints hold no random state, and in distributed training only one
    process writes them. So nothing is stored: the main process is seeded from (seed,
    rank, iteration) before each iteration, which RoI sampling draws from, and each
    sample's augmentation from the seed and its place in the run (:class:`SeededFetch`). A
    run killed after a checkpoint and resumed repeats the uninterrupted run's numbers, with
    any number of data-loading workers, any wrappers around the data set and in both of
    mmengine's loops.

    Samples are numbered by the sampler of the loader's batch sampler. Where there is none, or the
    data are a stream, the main process is seeded alone, and a warning says so. The same without the
    warning where a data set reads whole batches and draws nothing (``whole_batches`` is true).
    """

    _sampler: NumberedSampler | None = None

    # Before hooks that draw numbers themselves.
    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Tie the data loader to the seed."""
        loader: Any = runner.train_dataloader
        sampler: Any = getattr(loader.batch_sampler, 'sampler', None)
        if isinstance(sampler, NumberedSampler):
            sampler = sampler.sampler
        if hasattr(sampler, 'seed'):
            # A resumed run learns its seed after its sampler has been built.
            sampler.seed = runner.seed
        if getattr(loader.dataset, 'whole_batches', False):
            pass  # nothing is drawn at random, and reading stays as quick as it is
        elif sampler is not None and _takes_a_fetch(loader.dataset):
            self._sampler = loader.batch_sampler.sampler = NumberedSampler(sampler)
            loader.dataset.__getitems__ = SeededFetch(loader.dataset, runner.seed)
        else:
            runner.logger.warning(
                'RandomStateHook: train_dataloader has no sampler of single samples, which could '
                'be numbered. What their loading draws at random, a resumed run draws anew'
            )
        self._seed_iteration(runner)

    def before_train_epoch(self, runner: Runner) -> None:
        """Number the samples from here on, and seed what starts the workers."""
        if self._sampler is not None:
            self._number_samples(runner, self._sampler)
        self._seed_iteration(runner)

    @staticmethod
    def _number_samples(runner: Runner, sampler: NumberedSampler) -> None:
        sampler.epoch, sampler.start = runner.epoch, 0
        batch_sampler: Any = runner.train_dataloader.batch_sampler
        skips = type(batch_sampler) is BatchSampler and hasattr(sampler, 'skip')
        if isinstance(runner.train_loop, IterBasedTrainLoop) and skips:
            # A resumed loop skips what has been drawn without drawing it again.
            sampler.start = runner.iter * batch_sampler.batch_size

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any | None = None
    ) -> None:
        """Seed the main process for this iteration."""
        self._seed_iteration(runner)

    def _seed_iteration(self, runner: Runner) -> None:
        seed_everything(runner.seed, _ITERATION, get_rank(), runner.iter)


def _takes_a_fetch(dataset: Any) -> bool:
    """Whether PyTorch's loader asks the data set for items, and for a way to fetch several."""
    return hasattr(dataset, '__dict__') and not isinstance(dataset, IterableDataset)
