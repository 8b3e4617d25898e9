"""A warm-up that fits the training."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

__all__ = ['SHARE', 'shorten_warm_up']

SHARE = 5  # a warm-up takes a fifth of the training at most


def shorten_warm_up(
    schedulers: Sequence[dict[str, Any]], iterations: int
) -> tuple[list[dict[str, Any]], str]:
    """Shorten a warm-up that is counted in iterations to a fifth of the training.

    Recipes for large data sets have one of 500 or 1000 iterations, which is most of a training
    on a hundred images. A schedule that goes on where the warm-up ends begins earlier, too.

    Args:
        schedulers: Configs of parameter schedulers.
        iterations: Length of the training.

    Returns:
        The configs, copied, and a line to be logged, empty where nothing had to change.
    """
    configs, line = copy.deepcopy(list(schedulers)), ''
    limit = max(2, iterations // SHARE)  # a warm-up of one iteration would never leave its start
    for warm_up in configs:
        if not _is_warm_up(warm_up) or warm_up['end'] <= limit:
            continue
        end, warm_up['end'] = warm_up['end'], limit
        for other in configs:
            if other is not warm_up and other.get('begin', 0) == end and not _by_epoch(other):
                other['begin'] = limit
                if other.get('T_max') == other.get('end', 0) - end:
                    other['T_max'] = other['end'] - limit
        line = (
            f'warm-up shortened from {end} to {limit} iterations, a fifth of this training of '
            f'{iterations}'
        )
    return configs, line


def _is_warm_up(config: dict[str, Any]) -> bool:
    kind = str(config.get('type')).rsplit('.', 1)[-1]
    rises = kind == 'LinearWarmupLR' or (
        kind == 'LinearLR' and config.get('start_factor', 1 / 3) < config.get('end_factor', 1.0)
    )
    return rises and not _by_epoch(config) and not config.get('begin') and 'end' in config


def _by_epoch(config: dict[str, Any]) -> bool:
    return bool(config.get('by_epoch', True))
