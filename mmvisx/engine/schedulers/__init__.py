"""Learning-rate and momentum schedules."""

from .bag_of_tricks_warmup import LinearWarmupLR
from .embedded_clustering_stages import StageMomentum, StageStepLR

__all__ = ['LinearWarmupLR', 'StageMomentum', 'StageStepLR']
