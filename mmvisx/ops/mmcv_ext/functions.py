"""The module that stands in for ``mmcv._ext``; see the package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmvisx.utils.errors import UserError

from .deform_conv import (
    deform_conv_backward_input,
    deform_conv_backward_parameters,
    deform_conv_forward,
)
from .focal_loss import (
    sigmoid_focal_loss_backward,
    sigmoid_focal_loss_forward,
    softmax_focal_loss_backward,
    softmax_focal_loss_forward,
)
from .nms import nms, softnms
from .roi_align import roi_align_backward, roi_align_forward
from .roi_pool import roi_pool_backward, roi_pool_forward

__all__ = [
    'STANDS_IN',
    'deform_conv_backward_input',
    'deform_conv_backward_parameters',
    'deform_conv_forward',
    'get_compiler_version',
    'get_compiling_cuda_version',
    'nms',
    'roi_align_backward',
    'roi_align_forward',
    'roi_pool_backward',
    'roi_pool_forward',
    'sigmoid_focal_loss_backward',
    'sigmoid_focal_loss_forward',
    'softmax_focal_loss_backward',
    'softmax_focal_loss_forward',
    'softnms',
]

STANDS_IN = True


def get_compiler_version() -> str:
    """Return what compiled these ops."""
    return 'not compiled'


def get_compiling_cuda_version() -> str:
    """Return for which CUDA these ops were compiled."""
    return 'not available'


def __getattr__(name: str) -> Callable[..., Any]:
    """Return a function that says that ``name`` needs compiling.

    mmcv asks for some 110 names when it is imported.
    """
    if name.startswith('__'):
        raise AttributeError(name)

    def missing(*args: Any, **kwargs: Any) -> Any:
        raise UserError(
            f"mmcv's op {name!r} needs its compiled ops, which are not installed: build them with "
            "'make setup OPS=compiled' (a C++ compiler; with nvcc for a GPU)"
        )

    missing.__name__ = name
    return missing
