"""What changes a network that has been built: its layers, their widths, how they compute.

A sub-package for each larger method (:mod:`.neural_rejuvenation`), a module for what is small.
Whatever replaces parameters for good says in the network's checkpoints what it did, and registers
in :data:`mmvisx.registry.ARCHITECTURES` how that is done again
(:mod:`mmvisx.utils.architecture`); an optimizer is told with :func:`update_optimizer`.
"""

from .detection_box_weights import weight_box_losses
from .detectors_convert_sac import convert_to_sac
from .detectors_warm_start import warm_start_detectors
from .few_shot import teach_head
from .few_shot_boxes import teach_boxes
from .fuse import fuse_for_inference
from .fuse_watch import PairWatch, fuse_after_first_step
from .neural_rejuvenation import build_channel_graph, rejuvenate, slim, utilization
from .optimizer import update_optimizer

__all__ = [
    'PairWatch',
    'build_channel_graph',
    'convert_to_sac',
    'fuse_after_first_step',
    'fuse_for_inference',
    'rejuvenate',
    'slim',
    'teach_boxes',
    'teach_head',
    'update_optimizer',
    'utilization',
    'warm_start_detectors',
    'weight_box_losses',
]
