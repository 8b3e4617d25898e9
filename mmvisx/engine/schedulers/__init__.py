"""Learning-rate schedules."""

from .bag_of_tricks_warmup import LinearWarmupLR

__all__ = ['LinearWarmupLR']
