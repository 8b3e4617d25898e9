"""What writes a config for each task."""

from collections.abc import Callable

from .base import Plan, Request
from .classification import write_classification
from .detection import write_detection
from .segmentation import write_segmentation
from .text import WIDTH, Entry, lay_out

__all__ = ['WIDTH', 'WRITERS', 'Entry', 'Plan', 'Request', 'lay_out']

WRITERS: dict[str, Callable[[Request], Plan]] = {
    'detection': write_detection,
    'segmentation': write_segmentation,
    'classification': write_classification,
}
