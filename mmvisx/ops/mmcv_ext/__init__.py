"""mmcv's compiled module ``mmcv._ext``, from torch and torchvision, where it was not compiled.

:func:`stand_in` lets an import of ``mmcv._ext`` that finds no compiled module find this one.
A call of an op that is not here says its name and how to compile it. mmcv's Python functions
stay as they are: they call these with the arguments of its compiled ones.

Vocabulary: N boxes or predictions, C channels or classes, R regions.
"""

from .finder import is_standing_in, stand_in

__all__ = ['is_standing_in', 'stand_in']
