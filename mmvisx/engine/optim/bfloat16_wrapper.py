"""Mixed precision for machines without a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
    autocast, in a model of several networks (:class:`mmvisx.CoTrainingClassifier`) that of
    each: convolutions and matrix products in bfloat16, parameters, gradients, and what
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


@contextmanager
def dense_in_bfloat16(model: nn.Module) -> Iterator[None]:
    """Have ``extract_feat`` of a model, wrapped or not, run under autocast.

    Raises:
        UserError: neither the model has ``extract_feat``, nor has a network in it.
    """
    whole = unwrap(model)
    networks = list(_with_features(whole))
    if not networks:
        raise UserError(
            f'BFloat16OptimWrapper (--amp): {type(whole).__name__} has no extract_feat, the '
            'method that runs backbone and neck; leave --amp out'
        )
    with ExitStack() as stack:
        for network in networks:
            stack.enter_context(mixed_in(network, _DenseInBFloat16))
        yield


def _with_features(network: nn.Module) -> Iterator[nn.Module]:
    """Find the outermost networks with ``extract_feat``."""
    if callable(getattr(network, 'extract_feat', None)):
        yield network
        return
    for part in network.children():
        yield from _with_features(part)


class _DenseInBFloat16(nn.Module):
    def extract_feat(self, *args: Any, **kwargs: Any) -> Any:
        with torch.autocast(next(self.parameters()).device.type, torch.bfloat16):
            features = super().extract_feat(*args, **kwargs)  # type: ignore[misc]
        return apply_to(features, _is_low, Tensor.float)


def _is_low(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype == torch.bfloat16
