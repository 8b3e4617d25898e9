"""Training loops whose step is their own, and that can be resumed anywhere."""

from .embedded_clustering_greedy import GreedyLoop
from .epoch_loop import EpochLoop
from .skipping import SkippingIterator, iterate_after
from .step_loop import StepLoop

__all__ = ['EpochLoop', 'GreedyLoop', 'SkippingIterator', 'StepLoop', 'iterate_after']
