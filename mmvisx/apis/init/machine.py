"""The machine that a config is for."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch

__all__ = ['Machine']

GIB = 2**30
MAX_WORKERS = 8


@dataclass(frozen=True)
class Machine:
    """What a training may use.

    Attributes:
        cores: That this process may run on.
        memory: Of the machine, in GiB.
        gpu_memory: Of its first GPU, in GiB; 0 without one.
        gpu: Its name.
    """

    cores: int
    memory: float
    gpu_memory: float = 0.0
    gpu: str = ''

    @classmethod
    def here(cls) -> Machine:
        """Describe this machine."""
        memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / GIB
        cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
        machine = cls(cores or 1, memory)
        if not torch.cuda.is_available():
            return machine
        gpu = torch.cuda.get_device_properties(0)
        return cls(machine.cores, memory, gpu.total_memory / GIB, gpu.name)

    def __str__(self) -> str:
        """Describe it in a few words."""
        rest = f'{self.cores} CPU cores, {self.memory:.0f} GB of memory'
        return f'{self.gpu}, {self.gpu_memory:.0f} GB; {rest}' if self.gpu_memory else rest

    def batch_size(self, per_image: float, most: int, images: int) -> int:
        """Return the largest power of two of images whose training fits into the memory.

        Args:
            per_image: Memory that one takes, in GiB.
            most: Largest batch size.
            images: To train on; a batch is not larger than all of them.
        """
        # The rest is for the weights, the optimizer and other programs.
        room = 0.8 * self.gpu_memory if self.gpu_memory else 0.5 * self.memory
        size = 1
        while 2 * size <= min(most, images, room / per_image):
            size *= 2
        return size

    def workers(self) -> int:
        """Return how many processes load images: on a CPU half of the cores have to train."""
        cores = self.cores if self.gpu_memory else self.cores // 2
        return max(0, min(MAX_WORKERS, cores, int(self.memory / 2)))  # a worker: 1 GiB or less
