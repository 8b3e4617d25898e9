"""Operations on whole models."""

from .convert_sac import convert_to_sac
from .detection_box_weights import weight_box_losses
from .fuse import fuse_for_inference
from .fuse_watch import PairWatch, fuse_after_first_step
from .neural_rejuvenation_slimming import slim
from .warm_start_detectors import warm_start_detectors

__all__ = [
    'PairWatch',
    'convert_to_sac',
    'fuse_after_first_step',
    'fuse_for_inference',
    'slim',
    'warm_start_detectors',
    'weight_box_losses',
]
