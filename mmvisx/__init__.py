"""Detection, segmentation and representation learning methods for MMEngine."""

from .ops.mmcv_ext import stand_in
from .utils.import_noise import hush_imports
from .version import __version__

__all__ = ['__version__']

stand_in()
hush_imports()
