"""Say before a training that its schedule is for a longer one, or that it has no batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.dataset import DefaultSampler
from torch.utils.data import DataLoader

from mmvisx.utils.errors import UserError

__all__ = ['check_batches', 'overlong_schedules']

ENDLESS = 10**9  # MMEngine's `end` of a scheduler without one
# A schedule that is counted in iterations is written for a number of images; a few of them more
# or less, which a filter may make, are no matter.
TOLERANCE = 1.01


def overlong_schedules(schedulers: Any, max_epochs: int, max_iters: int) -> list[str]:
    """Say which parts of ``param_scheduler`` reach beyond the training, one line each.

    With fewer epochs than a recipe's, a cosine ends far above 0 and drops never come, without
    an error.

    Args:
        schedulers: The config, or a dict of several.
        max_epochs: Epochs of the training.
        max_iters: Iterations of the training.
    """
    lines = []
    for path, scheduler in _walk(schedulers, 'param_scheduler'):
        by_epoch = scheduler.get('by_epoch', True)
        unit, total = ('epoch', max_epochs) if by_epoch else ('iteration', max_iters)
        reach = _reach(scheduler)
        late = {key: end for key, end in reach.items() if total * TOLERANCE < end < ENDLESS}
        if late:
            what = ', '.join(f'{key}={scheduler[key]} ({unit} {end})' for key, end in late.items())
            lines.append(
                f'{path} ({scheduler.get("type")}) is for a longer training: it reaches with '
                f'{what} beyond the last {unit}, {total}. Set them to fit, as '
                f'--cfg-options {path}.{next(iter(late))}=...'
            )
    return lines


def _walk(node: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(node, Mapping) and 'type' in node:
        yield path, node
    elif isinstance(node, Mapping):
        for key, item in node.items():
            yield from _walk(item, f'{path}.{key}')
    elif isinstance(node, list | tuple):
        for index, item in enumerate(node):
            yield from _walk(item, f'{path}.{index}')


def _reach(scheduler: Mapping[str, Any]) -> dict[str, float]:
    """Arguments that name a time, and the epoch or iteration of the training that they mean."""
    begin = scheduler.get('begin', 0)
    reach = {}
    if scheduler.get('T_max') is not None:
        reach['T_max'] = begin + scheduler['T_max']
    if scheduler.get('milestones'):
        reach['milestones'] = begin + max(scheduler['milestones'])
    if scheduler.get('end') is not None:
        reach['end'] = scheduler['end']
    return reach


def check_batches(loader: DataLoader) -> None:
    """Refuse a loader without a batch, with which every epoch would end at once.

    A sampler that never ends fills a batch from several rounds, and is not meant.

    Raises:
        UserError: There is no batch, because ``drop_last`` drops the only one.
    """
    batches: Any = loader.batch_sampler
    if isinstance(getattr(batches, 'sampler', None), DefaultSampler) and len(loader) == 0:
        dataset: Any = loader.dataset
        raise UserError(
            f'train_dataloader has {len(dataset)} images, of which each process gets '
            f'{len(batches.sampler)}: fewer than batch_size={batches.batch_size}, and '
            'drop_last=True drops them. Set train_dataloader.batch_size to fewer, or '
            'train_dataloader.drop_last=False'
        )
