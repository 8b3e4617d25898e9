"""Find the batch normalisations that can go into a convolution by watching a forward pass."""

from __future__ import annotations

import copy
import weakref
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from mmvisx.utils.modules import mixed_in

from .fuse import Pairs, fuse_for_inference

__all__ = ['PairWatch', 'fuse_after_first_step']


class PairWatch(TorchFunctionMode):
    """Note which convolution's output is read by one batch normalisation and by nothing else.

    The order in which layers were registered says this of most networks, but not of all: of
    those that normalise before they convolve, that share a convolution, or that use its output
    a second time. What was seen in a forward pass is true of every network. ::

        with PairWatch(model) as watch:
            model(x)
        fuse_for_inference(model, watch.pairs())

    Args:
        model: Any network.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self._model = model
        # Of each output that is still alive: where it came from, and how often it was written to.
        self._made: dict[int, tuple[weakref.ref[Tensor], nn.Module, int]] = {}
        self._calls: Counter[nn.Module] = Counter()
        self._uses: Counter[nn.Module] = Counter()
        self._fed: Counter[tuple[nn.Module, nn.Module]] = Counter()

    def __enter__(self) -> PairWatch:
        self._handles = []
        for module in self._model.modules():
            if isinstance(module, nn.Conv2d):
                self._handles.append(module.register_forward_hook(self._after_conv))
            elif isinstance(module, _BatchNorm):
                self._handles.append(module.register_forward_pre_hook(self._before_norm))
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        for handle in self._handles:
            handle.remove()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        """Count the operations that make a tensor out of a convolution's output."""
        kwargs = kwargs or {}
        sources = [self._source(value) for value in tree_leaves((args, kwargs))]
        result = func(*args, **kwargs)
        if any(isinstance(value, Tensor) for value in tree_leaves(result)):
            self._uses.update(conv for conv in sources if conv is not None)
        return result

    def pairs(self) -> Pairs:
        """Return the names of the pairs seen, (convolution, normalisation)."""
        names = {module: name for name, module in self._model.named_modules()}
        return [
            (names[conv], names[norm])
            for (conv, norm), times in self._fed.items()
            if times == self._calls[conv] == self._calls[norm] == self._uses[conv]
        ]

    def _source(self, value: Any) -> nn.Module | None:
        """The convolution that ``value`` came out of, unless it was changed in place since."""
        if not isinstance(value, Tensor) or id(value) not in self._made:
            return None
        made, conv, version = self._made[id(value)]
        return conv if made() is value and version == value._version else None

    def _after_conv(self, conv: nn.Module, _: Any, output: Tensor) -> None:
        self._calls[conv] += 1
        self._made[id(output)] = (weakref.ref(output), conv, output._version)

    def _before_norm(self, norm: nn.Module, args: tuple) -> None:
        self._calls[norm] += 1
        conv = self._source(args[0])
        if conv is not None:
            self._fed[conv, norm] += 1


def fuse_after_first_step(
    model: nn.Module, network: nn.Module, put: Callable[[nn.Module], None]
) -> None:
    """Let the first ``model.test_step`` be watched, then hand over a fused copy of ``network``.

    Args:
        model: In eval mode: ``network``, or what wraps it.
        network: What is copied and fused; it stays as it is itself.
        put: Called with the fused copy after the first step, to use it from then on.
    """
    scope = ExitStack()
    scope.enter_context(
        mixed_in(model, _FirstStepWatched, watched=_Watched(network, put, scope.close))
    )


class _Watched(NamedTuple):
    network: nn.Module
    put: Callable[[nn.Module], None]
    end: Callable[[], None]


class _FirstStepWatched(nn.Module):
    watched: _Watched

    def test_step(self, data: Any) -> Any:
        network, put, end = self.watched
        end()  # the model is as it was
        with PairWatch(network) as watch:
            result = self.test_step(data)
        put(fuse_for_inference(copy.deepcopy(network), watch.pairs()))
        return result
