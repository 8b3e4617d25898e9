"""Switch mixup off for the last epochs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmvisx.registry import HOOKS
from mmvisx.utils.errors import UserError
from mmvisx.utils.screen import ON_SCREEN

__all__ = ['MixUpSwitchHook']


@HOOKS.register_module()
class MixUpSwitchHook(Hook):
    """Train without mixup for the last epochs; the authors do so for 20 of 200.

    In each epoch the state follows from the epoch's number alone, so a resumed training
    switches when the uninterrupted one does. Data-loading workers that persist hold copies
    of the data set: they are started anew at the switch. Random numbers stay those of an
    uninterrupted run with ``mmvisx.RandomStateHook``.

    Args:
        num_last_epochs: Epochs at the end without mixup, at least 0.
        transforms: Types of the transforms to skip, with or without their scope.

    Raises:
        UserError: ``num_last_epochs`` is negative, the training counts iterations instead
            of epochs, or no ``MultiImageMixDataset`` has one of the transforms.

    Source: 000, 5.3.1 (the authors' training; the text does not say when mixup ends).
    """

    def __init__(
        self, num_last_epochs: int = 20, transforms: Sequence[str] = ('DetectionMixUp',)
    ) -> None:
        if num_last_epochs < 0:
            raise UserError(f'num_last_epochs={num_last_epochs} should be at least 0')
        self.num_last_epochs = num_last_epochs
        self.transforms = list(transforms)
        self._off: bool | None = None

    def before_train(self, runner: Runner) -> None:
        """Check that there is something to switch."""
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            raise UserError(
                f'MixUpSwitchHook counts epochs, but train_cfg.type is '
                f'{type(runner.train_loop).__name__}: use EpochBasedTrainLoop'
            )
        if not any(self._keys(wrapper) for wrapper in self._wrappers(runner)):
            raise UserError(
                f'MixUpSwitchHook found no MultiImageMixDataset with {", ".join(self.transforms)} '
                'in train_dataloader.dataset: remove the hook, or add the transform'
            )
        self._off = None
        if self.num_last_epochs >= runner.max_epochs:
            runner.logger.warning(
                f'MixUpSwitchHook: num_last_epochs={self.num_last_epochs} of '
                f'max_epochs={runner.max_epochs}, so there is no mixup at all'
            )

    def before_train_epoch(self, runner: Runner) -> None:
        """Switch, if this epoch is the first of its kind."""
        off = runner.epoch >= runner.max_epochs - self.num_last_epochs
        if off == self._off:
            return
        self._off = off
        for wrapper in self._wrappers(runner):
            keys = self._keys(wrapper)
            others = [key for key in wrapper._skip_type_keys or () if key not in keys]
            wrapper.update_skip_type_keys(others + keys if off else others)
        # PyTorch has no public way to let persistent workers see the change. The garbage
        # collector would take seconds to stop them.
        loader: Any = runner.train_dataloader
        if loader._iterator is not None:
            loader._iterator._shutdown_workers()
            loader._iterator = None
        if off:
            runner.logger.info(f'mixup is off from epoch {runner.epoch + 1} on', extra=ON_SCREEN)

    def _keys(self, wrapper: Any) -> list[str]:
        """Return the types, as the wrapper's pipeline writes them, that are to be skipped."""
        names = {name.rpartition('.')[2] for name in self.transforms}
        return [key for key in wrapper.pipeline_types if key.rpartition('.')[2] in names]

    def _wrappers(self, runner: Runner) -> Iterator[Any]:
        """Yield the data sets that mix images, at any depth."""
        found = [runner.train_dataloader.dataset]
        while found:
            dataset: Any = found.pop()
            if hasattr(dataset, 'update_skip_type_keys'):
                yield dataset
            found += getattr(dataset, 'datasets', [])
            if hasattr(dataset, 'dataset'):
                found.append(dataset.dataset)
