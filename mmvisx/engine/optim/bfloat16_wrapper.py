"""Mixed precision for machines without a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from mmengine.utils import apply_to
from torch import Tensor, nn

from mmvisx.registry import OPTIM_WRAPPERS
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import unwrap

__all__ = ['BFloat16OptimWrapper']


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Train with backbone and neck in bfloat16, on any device.

    ``extract_feat``, which holds backbone and neck in all OpenMMLab models, runs under
    autocast: convolutions and matrix products in bfloat16, parameters, gradients, and what
    autocast or a layer keeps, in float32. Its features go to the heads in float32, since
    mmcv's RoIAlign and NMS have no bfloat16 kernel on CPU, where MMEngine's own
    ``AmpOptimWrapper`` is refused. bfloat16 has float32's range, so no loss is scaled and
    checkpoints are those of a float32 run: either kind of run resumes from them.

    Args:
        **kwargs: Of :class:`mmengine.optim.OptimWrapper`.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Be in bfloat16 for the duration of a forward pass in training.

        Raises:
            UserError: the model has no ``extract_feat``.
        """
        with super().optim_context(model), _extract_in_bfloat16(unwrap(model)):
            yield


@contextmanager
def _extract_in_bfloat16(model: Any) -> Iterator[None]:
    """Let ``model.extract_feat`` run under autocast until the context is left."""
    if not callable(getattr(model, 'extract_feat', None)):
        raise UserError(
            f'BFloat16OptimWrapper (--amp): {type(model).__name__} has no extract_feat, the method '
            'that runs backbone and neck; leave --amp out'
        )
    # In the instance's own dict it goes before the class's method.
    before = vars(model).get('extract_feat')
    model.extract_feat = _in_bfloat16(model.extract_feat, model)
    try:
        yield
    finally:
        del model.extract_feat
        if before is not None:
            model.extract_feat = before


def _in_bfloat16(extract: Callable[..., Any], model: nn.Module) -> Callable[..., Any]:
    device = next(model.parameters()).device.type

    @wraps(extract)
    def extract_feat(*args: Any, **kwargs: Any) -> Any:
        with torch.autocast(device, torch.bfloat16):
            features = extract(*args, **kwargs)
        return apply_to(features, _is_low, Tensor.float)

    return extract_feat


def _is_low(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype == torch.bfloat16
