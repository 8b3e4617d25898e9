"""Let a run in this process begin as one in a process of its own."""

from mmengine.logging import MessageHub, MMLogger
from mmengine.visualization import Visualizer


def forget_loggers():
    """Forget the loggers, message hubs and visualizers of earlier runs.

    MMEngine names them by config and second, and two runs of a test may start in the same one.
    """
    for kind in (MMLogger, MessageHub, Visualizer):
        _forget(kind)


def _forget(kind):
    kind._instance_dict.clear()
    for below in kind.__subclasses__():
        _forget(below)
