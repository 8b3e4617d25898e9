"""Pictures of a clustering and of series of them (000, Figures 3.2 to 3.6), and baselines."""

from .gradients import AssignmentGradients
from .numbers import ClusterNumbers
from .points import AssignedPoints, assign_points
from .reliability import ClusterReliability
from .sweep import ParameterSweep
from .table import ClusterTable
from .tsne import CodeEmbedding
from .typical import TypicalPoints

__all__ = [
    'AssignedPoints',
    'AssignmentGradients',
    'ClusterNumbers',
    'ClusterReliability',
    'ClusterTable',
    'CodeEmbedding',
    'ParameterSweep',
    'TypicalPoints',
    'assign_points',
]
