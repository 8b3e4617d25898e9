"""Operations on whole models."""

from mmvisx.surgery.neural_rejuvenation.architecture import rebuild_rejuvenated
from mmvisx.surgery.neural_rejuvenation.slimming import slim

from .detection_box_weights import weight_box_losses
from .detectors_convert_sac import convert_to_sac
from .detectors_warm_start import warm_start_detectors
from .fuse import fuse_for_inference
from .fuse_watch import PairWatch, fuse_after_first_step

__all__ = [
    'PairWatch',
    'convert_to_sac',
    'fuse_after_first_step',
    'fuse_for_inference',
    'rebuild_rejuvenated',
    'slim',
    'warm_start_detectors',
    'weight_box_losses',
]
