"""Mixed precision for machines without a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from mmengine.utils import apply_to
from torch import Tensor, nn

from mmvisx.registry import OPTIM_WRAPPERS
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import mixed_in, unwrap

__all__ = ['BFloat16OptimWrapper', 'dense_in_bfloat16']


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
        with super().optim_context(model), dense_in_bfloat16(model):
            yield


def dense_in_bfloat16(model: nn.Module) -> AbstractContextManager[None]:
    """Make a context in which ``extract_feat`` of a model, wrapped or not, runs under autocast.

    Raises:
        UserError: the model has no ``extract_feat``.
    """
    network = unwrap(model)
    if not callable(getattr(network, 'extract_feat', None)):
        raise UserError(
            f'BFloat16OptimWrapper (--amp): {type(network).__name__} has no extract_feat, the '
            'method that runs backbone and neck; leave --amp out'
        )
    return mixed_in(network, _DenseInBFloat16)


class _DenseInBFloat16(nn.Module):
    def extract_feat(self, *args: Any, **kwargs: Any) -> Any:
        with torch.autocast(next(self.parameters()).device.type, torch.bfloat16):
            features = super().extract_feat(*args, **kwargs)  # type: ignore[misc]
        return apply_to(features, _is_low, Tensor.float)


def _is_low(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype == torch.bfloat16
