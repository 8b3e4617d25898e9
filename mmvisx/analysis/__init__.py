"""What a trained network, a training or a data set does: measured, then drawn.

Each analysis is a class with its settings: ``measure(...)`` takes a model, loader, data set or
log and returns numbers, ``draw(...)`` makes a picture or a text table of them.
"""

from .bag_of_tricks_label_smooth_gap import LabelSmoothGap
from .co_training_curves import CoTrainingCurves
from .co_training_label_next import LabelNext
from .dataset_samples import DatasetSamples
from .detection_ap_gain import APGain
from .detection_elephant import DetectionElephant
from .detectors_switches import SwitchMaps
from .embedded_clustering import (
    AssignmentGradients,
    ClusterNumbers,
    ClusterReliability,
    ClusterTable,
    CodeEmbedding,
    ParameterSweep,
    TypicalPoints,
)
from .few_shot_balance import Balance
from .few_shot_compare import FewShotTable
from .few_shot_impact import Impact
from .few_shot_seeds import SeedTables
from .few_shot_tasks import FewShotTasks
from .few_shot_tsne import WeightEmbedding
from .few_shot_unknown import Unknown
from .filters import Filters
from .flops import MultiplyAdds
from .gunn_collapse import CollapsedChannels
from .lr_schedule import LearningRates
from .multi_task_curves import TaskCurves
from .training_curves import TrainingCurves

__all__ = [
    'APGain',
    'AssignmentGradients',
    'Balance',
    'ClusterNumbers',
    'ClusterReliability',
    'ClusterTable',
    'CoTrainingCurves',
    'CodeEmbedding',
    'CollapsedChannels',
    'DatasetSamples',
    'DetectionElephant',
    'FewShotTable',
    'FewShotTasks',
    'Filters',
    'Impact',
    'LabelNext',
    'LabelSmoothGap',
    'LearningRates',
    'MultiplyAdds',
    'ParameterSweep',
    'SeedTables',
    'SwitchMaps',
    'TaskCurves',
    'TrainingCurves',
    'TypicalPoints',
    'Unknown',
    'WeightEmbedding',
]
