"""What the backbones of this package have in common.

Words: a backbone gives maps, numbered from 0; stage ``n`` (from 1) is what leads from map ``n - 2``
(or the stem) to map ``n - 1``; the stem is what stands in front, at least the first convolution
and its norm.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmvisx.utils.errors import UserError
from mmvisx.utils.pretrained import check_pretrained

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ['HE', 'Backbone', 'BackboneMixin', 'CheckedInit', 'ResNetMixin', 'resolve_out_indices']

# Weights of convolutions with ReLU behind them: normal distribution of He et al. by the outgoing
# connections.
HE: list[dict[str, Any]] = [
    dict(type='Kaiming', layer='Conv2d'),
    dict(type='Constant', val=1, layer=['_BatchNorm', 'GroupNorm']),
]
Parts = Sequence[Sequence[nn.Module | nn.Parameter]]


def resolve_out_indices(
    out_indices: int | Sequence[int], total: int, network: str
) -> tuple[int, ...]:
    """Return a backbone's ``out_indices`` as numbers from 0, in their order.

    Args:
        out_indices: One number or several; negative ones count from the end.
        total: How many maps the backbone has.
        network: Its name, for the message.

    Raises:
        UserError: There is no such map, no number at all, or one map is named twice.
    """
    wanted = [out_indices] if isinstance(out_indices, int) else out_indices
    if (
        not isinstance(wanted, Sequence)
        or not wanted
        or not all(isinstance(i, int) and -total <= i < total for i in wanted)
    ):
        raise UserError(
            f'out_indices={out_indices!r} of {network}: this network has {total} outputs, '
            f'0 to {total - 1} (or -{total} to -1)'
        )
    indices = tuple(i % total for i in wanted)
    if len(set(indices)) < len(indices):
        raise UserError(f'out_indices={out_indices!r} of {network} names an output twice')
    return indices


def check_frozen_stages(frozen_stages: int, total: int, network: str) -> None:
    """Refuse to freeze stages that are not there.

    Args:
        frozen_stages: How many stages do not learn; 0: the stem; -1: everything learns.
        total: How many stages the backbone has.
        network: Its name, for the message.

    Raises:
        UserError: It is no whole number from -1 to ``total``.
    """
    if not isinstance(frozen_stages, int) or not -1 <= frozen_stages <= total:
        raise UserError(
            f'frozen_stages={frozen_stages!r} of {network} must lie between -1 (nothing), '
            f'0 (the stem) and {total} (everything)'
        )


class CheckedInit(BaseModule):
    """Refuse pretrained weights that are another network's; to be put before a library's class.

    Attributes:
        new_parts: Regular expressions for names of parameters and buffers that a pretrained
            checkpoint need not have, because the network adds them to what was pretrained.
    """

    new_parts: ClassVar[tuple[str, ...]] = ()

    def init_weights(self) -> None:
        """Draw the weights, or load them.

        Raises:
            UserError: see :func:`check_pretrained`.
        """
        check_pretrained(self, self.new_parts)
        super().init_weights()


class BackboneMixin(CheckedInit):
    """Freeze stages and norms, and keep them so; to be put before a library's class.

    Attributes:
        out_indices: Numbers of the maps that it gives, from 0, in their order.
        out_channels: Channels of these maps as they were built, in the same order: a neck's
            ``in_channels``. Where an operation on the built network changes widths, what was
            built is no longer what it gives.
        frozen_stages: -1: everything learns; 0: the stem does not; ``n``: nor do ``n`` stages.
            What does not learn has no gradient, and its norms keep their statistics.
        norm_eval: Whether batch norm keeps its statistics everywhere.
    """

    out_indices: tuple[int, ...]
    out_channels: tuple[int, ...]
    frozen_stages: int
    norm_eval: bool

    @abstractmethod
    def stem_and_stages(self) -> Parts:
        """The modules (and parameters) of the stem, and those of each stage that is built."""

    def freeze(self) -> None:
        """Let the parts of ``frozen_stages`` learn nothing."""
        for parts in self.stem_and_stages()[: self.frozen_stages + 1]:
            for part in parts:
                part.requires_grad_(False)
                if isinstance(part, nn.Module):
                    part.eval()

    def train(self, mode: bool = True) -> Self:
        """Set the mode, except that of frozen parts and, with ``norm_eval``, of batch norm."""
        super().train(mode)
        self.freeze()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self


class Backbone(BackboneMixin):
    """Base of the networks that are built here.

    A subclass calls this constructor first, builds its layers, and then calls :meth:`finish`.

    Args:
        total: How many maps the network has, and how many stages.
        out_indices: Which of them to give; negative numbers count from the end.
        frozen_stages: -1: everything learns; 0: the stem does not; ``n``: nor do ``n`` stages.
        norm_eval: Keep batch norm in evaluation mode in training.
        init_cfg: See :class:`mmengine.model.BaseModule`.

    Raises:
        UserError: There is no such map, or more stages are to be frozen than there are.
    """

    def __init__(
        self,
        total: int,
        out_indices: int | Sequence[int] = -1,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        init_cfg: dict | Sequence[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        network = type(self).__name__
        self.out_indices = resolve_out_indices(out_indices, total, network)
        check_frozen_stages(frozen_stages, total, network)
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval

    def finish(self, channels: Sequence[int]) -> None:
        """Note the channels of all maps that are built, from 0, and freeze."""
        self.out_channels = tuple(channels[index] for index in self.out_indices)
        self.freeze()

    def maps_of(self, x: Tensor, stages: Iterable[nn.Module]) -> tuple[Tensor, ...]:
        """Send ``x`` ``(N, C, H, W)`` through stages; return the maps of ``out_indices``.

        Args:
            x: What the first stage gets.
            stages: Each makes a map of the one before it.
        """
        outs = {}
        for index, stage in enumerate(stages):
            x = stage(x)
            if index in self.out_indices:
                outs[index] = x
        return tuple(outs[index] for index in self.out_indices)


class ResNetMixin(BackboneMixin):
    """For subclasses of mmdet's and mmpretrain's ResNets; to be put before the library's class.

    As in the libraries, the maps come in the order of the stages, however ``out_indices`` lists
    them.

    Args:
        *args: Of the library's class.
        **kwargs: Of the library's class; ``out_indices`` may be one number, and negative ones
            count from the end.

    Raises:
        UserError: There is no such map, or more stages are to be frozen than there are.
    """

    # Of the libraries' classes.
    deep_stem: bool
    conv1: nn.Module
    norm1: nn.Module
    stem: Any
    res_layers: list[str]
    feat_dim: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        network, total = type(self).__name__, kwargs.get('num_stages', 4)
        if 'out_indices' in kwargs:
            indices = resolve_out_indices(kwargs['out_indices'], total, network)
            kwargs['out_indices'] = tuple(sorted(indices))
        check_frozen_stages(kwargs.get('frozen_stages', -1), total, network)
        super().__init__(*args, **kwargs)
        # Each stage has twice the channels of the one before it.
        last = len(self.res_layers) - 1
        self.out_channels = tuple(self.feat_dim >> (last - index) for index in self.out_indices)

    def stem_and_stages(self) -> Parts:
        """The modules of the stem, and the one of each stage."""
        stem = [self.stem] if self.deep_stem else [self.conv1, self.norm1]
        return [stem, *([getattr(self, name)] for name in self.res_layers)]

    def _freeze_stages(self) -> None:
        # Of the libraries' constructors and `train`.
        self.freeze()
