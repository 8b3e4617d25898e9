"""Time and memory of two things that take turns in one process.

The machine's speed changes from minute to minute; the ratio within a turn does not.
"""

from __future__ import annotations

import ctypes
import gc
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

Run = Callable[[], Any]
Clock = Callable[[], float]
_M_MMAP_THRESHOLD = -3  # of malloc.h


def seconds(run: Run, device: str = 'cpu', clock: Clock = time.perf_counter) -> float:
    """Time one call, to the end of what it started on the device."""
    _synchronize(device)
    start = clock()
    run()
    _synchronize(device)
    return clock() - start


def paired_seconds(
    ours: Run,
    reference: Run,
    rounds: int,
    device: str = 'cpu',
    warm_up: int = 1,
    clock: Clock = time.perf_counter,
) -> dict[str, float]:
    """Time both in turns and return :func:`summary` of the pairs.

    Args:
        ours: What is measured.
        reference: What with.
        rounds: Pairs.
        device: Where they run.
        warm_up: Pairs before, which do not count.
        clock: On a busy machine ``time.process_time`` leaves out what others do.
    """
    _keep_blocks_below(2**25)  # where glibc's own adjustment ends
    for _ in range(warm_up):
        ours()
        reference()
    pairs = []
    for turn in range(rounds):
        # The second of a turn finds warmer caches; each side is second as often.
        first, second = (ours, reference) if turn % 2 else (reference, ours)
        times = seconds(first, device, clock), seconds(second, device, clock)
        pairs.append(times if turn % 2 else times[::-1])
    return summary(pairs)


def peak_memory(run: Run, device: str = 'cpu') -> float:
    """Return how many MiB one call needs at its peak on top of what is there.

    On a CPU this is the process's resident memory, which only Linux tells. From then on blocks
    of a quarter of a MiB and more come from the system and go back to it at once, until times
    are taken: holes that the allocator keeps for itself depend on what the process did before.
    """
    gc.collect()
    if torch.device(device).type == 'cuda':
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        run()
        return (torch.cuda.max_memory_allocated(device) - before) / 2**20
    _keep_blocks_below(2**18)
    ctypes.CDLL('libc.so.6').malloc_trim(0)
    Path('/proc/self/clear_refs').write_text('5')  # resets the peak
    before = _status('VmRSS')
    run()
    return (_status('VmHWM') - before) / 1024


def paired_memory(ours: Run, reference: Run, device: str = 'cpu') -> dict[str, float]:
    """Return :func:`summary` of the peak memory of one call each, in MiB."""
    return summary([(peak_memory(ours, device), peak_memory(reference, device))])


def summary(pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Return the medians of both sides, and the median of their ratio within a pair."""
    return {
        'ours': round(statistics.median(a for a, _ in pairs), 4),
        'reference': round(statistics.median(b for _, b in pairs), 4),
        'ours_to_reference': round(statistics.median(a / b for a, b in pairs), 3),
    }


def _keep_blocks_below(size: int) -> None:
    """Let the allocator keep freed blocks of less than this many bytes, if it is glibc's."""
    if sys.platform == 'linux' and hasattr(libc := ctypes.CDLL(None), 'mallopt'):
        libc.mallopt(_M_MMAP_THRESHOLD, size)


def _synchronize(device: str) -> None:
    if torch.device(device).type == 'cuda':
        torch.cuda.synchronize(device)


def _status(key: str) -> int:
    for line in Path('/proc/self/status').read_text().splitlines():
        if line.startswith(key + ':'):
            return int(line.split()[1])
    raise RuntimeError(f'/proc/self/status has no {key}')
