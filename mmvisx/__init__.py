"""Detection, segmentation and representation learning methods for MMEngine."""

from .version import __version__

__all__ = ['__version__']
