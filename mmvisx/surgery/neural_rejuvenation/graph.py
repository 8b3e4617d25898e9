"""Which channels of a network may be removed or added, and who reads them: plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmvisx.utils.errors import UserError

__all__ = ['ChannelGraph', 'ChannelGroup', 'GraphLayer', 'Segment', 'get_norm', 'replace_module']

VERSION = 1


@dataclass
class Segment:
    """A run of neighbouring inputs of a layer, from one group.

    Args:
        channels: Channels of the producer (not of the input, see ``repeat``).
        group: Index of the group they come from; None: fixed alive, as an image's or those of
            a residual stream.
        repeat: Inputs (features) of each channel, more than 1 behind a flattened map.
    """

    channels: int
    group: int | None = None
    repeat: int = 1

    @property
    def features(self) -> int:
        """Number of inputs of the layer."""
        return self.channels * self.repeat


@dataclass
class GraphLayer:
    """A convolution or linear layer.

    Args:
        name: Of the module.
        kind: ``'conv'``, ``'depthwise'``, ``'linear'``, or ``'other'``: left as it is (grouped,
            not traced, called more than once).
        inputs: What it reads, in the order of its input channels.
        out_channels: Number of outputs (features of a linear layer).
        group: Index of the group its outputs are, None: fixed alive.
        area: ``K_w * K_h``, its groups divided out.
        pixels: ``O_w * O_h``, summed over its calls.
        residual: Its output is added to a stream that lives on without it.
        mix: ``'dense'``; ``'removed'`` (Eq. 5.6) or ``'attention'`` (Eq. 5.9 and 5.10) after a
            rejuvenation.
        reads: For each generation of outputs the generations of inputs that it reads, with
            ``mix='removed'``.
    """

    name: str
    kind: str
    inputs: list[Segment]
    out_channels: int
    group: int | None = None
    area: int = 1
    pixels: int = 1
    residual: bool = False
    mix: str = 'dense'
    reads: list[list[int]] = field(default_factory=list)

    @property
    def in_features(self) -> int:
        """Number of inputs."""
        return sum(segment.features for segment in self.inputs)


@dataclass
class ChannelGroup:
    """The neurons of one convolution, with the depthwise convolutions that follow it.

    Args:
        convs: Names of the convolution and of the depthwise ones behind it.
        norms: Names of the batch normalisation behind each of them.
        counts: Number of neurons of each generation, the oldest first: one number before the
            first rejuvenation, (survived, rejuvenated) after it.
        initial_scale: The scale each of ``norms`` started with.
        homogeneous: Scaling a neuron and dividing what reads it keeps the network's function,
            so that it can be rescaled.
        bridged: The network's output lives on without any neuron of this group, over a
            residual stream.
    """

    convs: list[str]
    norms: list[str]
    counts: list[int]
    initial_scale: list[float]
    homogeneous: bool = True
    bridged: bool = False

    @property
    def width(self) -> int:
        """Number of neurons."""
        return sum(self.counts)

    @property
    def name(self) -> str:
        """Name of the convolution."""
        return self.convs[0]


@dataclass
class ChannelGraph:
    """All layers of a network in the order of execution, and the groups of free neurons.

    Args:
        layers: Convolutions and linear layers.
        groups: Neurons that may die.
        fixed: Why the outputs of all other convolutions are fixed alive, by name.
        input_shape: ``(C, H, W)`` that the number of pixels is for.
        two_heads: Classifiers that can do so treat rejuvenated features by themselves.
    """

    layers: list[GraphLayer]
    groups: list[ChannelGroup]
    fixed: dict[str, str]
    input_shape: tuple[int, ...]
    two_heads: bool = False

    def readers(self, group: int) -> list[GraphLayer]:
        """Layers that read a group's neurons, without its own depthwise convolutions."""
        return [
            layer
            for layer in self.layers
            if layer.kind != 'depthwise' and any(s.group == group for s in layer.inputs)
        ]

    def layer(self, name: str) -> GraphLayer:
        """The layer of a name."""
        return next(layer for layer in self.layers if layer.name == name)

    def to_dict(self) -> dict[str, Any]:
        """The graph as numbers, texts and lists, for a checkpoint."""
        return dict(version=VERSION, **asdict(self))

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> ChannelGraph:
        """The graph that :meth:`to_dict` wrote.

        Raises:
            UserError: it was written by another version.
        """
        if content.get('version') != VERSION:
            raise UserError(
                f'the checkpoint holds a channel graph of version {content.get("version")}, '
                f'this is version {VERSION}: use the mmvisx that wrote it'
            )
        layers = [
            GraphLayer(**{**layer, 'inputs': [Segment(**s) for s in layer['inputs']]})
            for layer in content['layers']
        ]
        groups = [ChannelGroup(**group) for group in content['groups']]
        shape = tuple(content['input_shape'])
        return cls(layers, groups, dict(content['fixed']), shape, content['two_heads'])


def replace_module(model: nn.Module, name: str, module: nn.Module) -> None:
    """Put a module in the place of the one called ``name``."""
    parent, _, child = name.rpartition('.')
    setattr(model.get_submodule(parent), child, module)


def get_norm(model: nn.Module, name: str) -> _BatchNorm:
    """Return the batch normalisation called ``name``."""
    norm = model.get_submodule(name)
    assert isinstance(norm, _BatchNorm), name
    return norm
