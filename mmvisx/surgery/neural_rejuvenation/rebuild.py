"""Replace layers of a network: everything is prepared first, and then done at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmvisx.models.layers.neural_rejuvenation_cross_attention import CrossAttentionConv2d
from mmvisx.models.layers.neural_rejuvenation_cross_removed import CrossRemovedConv2d
from mmvisx.utils.architecture import Change, Part, Transform

from .graph import GraphLayer, get_norm, replace_module
from .parts import weight_parts

__all__ = ['Rebuild', 'new_shape', 'norm_vectors', 'touched']


class Rebuild:
    """Layers that will take others' places in a network.

    Until :meth:`commit` the network is as it was, so that an error on the way leaves it whole.

    Args:
        model: The network.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.changes: list[Change] = []
        self._setters: list[Callable[[], None]] = []

    def replace_layer(
        self,
        name: str,
        new: nn.Module,
        *,
        place: Transform | None = None,
        bias_place: Transform | None = None,
    ) -> None:
        """Prepare a convolution or linear layer.

        Args:
            name: Of the layer whose place it takes.
            new: The layer, with its weights.
            place: Where the old whole weight's survivors are in the new one; None: nowhere.
            bias_place: The same for the bias.
        """
        old = self.model.get_submodule(name)
        weights, biases, shape = weight_parts(old)
        new_weights, new_biases, _ = weight_parts(new)
        self.changes.append(Change(weights, new_weights, shape, place))
        if biases:
            self.changes.append(Change(biases, new_biases, shape[:1], bias_place))
        self._setters.append(partial(_put_layer, self.model, name, old, new))

    def replace_norm(
        self, name: str, tensors: Mapping[str, Tensor], *, place: Transform | None = None
    ) -> None:
        """Prepare parameters and statistics of a batch normalisation.

        Args:
            name: Of the batch normalisation.
            tensors: Its parameters and statistics ``(C,)`` by their names
                (:func:`norm_vectors`).
            place: Where the old ones' survivors are in them; None: nowhere.
        """
        norm = get_norm(self.model, name)
        values = dict(tensors)
        for key, old in norm._parameters.items():
            if old is not None:
                values[key] = new = nn.Parameter(tensors[key], old.requires_grad)
                self.changes.append(Change([Part(old)], [Part(new)], tuple(old.shape), place))
        self._setters.append(partial(_set_norm, norm, values))

    def commit(self) -> list[Change]:
        """Put everything in its place.

        Returns:
            Which parameters took which place, for
            :func:`~mmvisx.surgery.optimizer.update_optimizer`.
        """
        for setter in self._setters:
            setter()
        return self.changes


def _put_layer(model: nn.Module, name: str, old: nn.Module, new: nn.Module) -> None:
    """Put a new layer in its place; a module of the same kind stays and takes the parameters.

    So it keeps its hooks, and whatever else was hung on it.
    """
    if type(old) is not type(new) or isinstance(old, CrossRemovedConv2d | CrossAttentionConv2d):
        replace_module(model, name, new)
        return
    old._parameters.update(new._parameters)
    for key in ('in_channels', 'out_channels', 'groups', 'in_features', 'out_features'):
        if hasattr(new, key):
            setattr(old, key, getattr(new, key))


def _set_norm(norm: _BatchNorm, tensors: Mapping[str, Tensor]) -> None:
    for key, value in tensors.items():
        if isinstance(value, nn.Parameter):
            norm._parameters[key] = value
        else:
            norm._buffers[key] = value
    norm.num_features = tensors['weight'].numel()


def norm_vectors(norm: _BatchNorm) -> list[tuple[str, Tensor]]:
    """Return parameters and statistics that have one value for each channel."""
    items = (*norm._parameters.items(), *norm._buffers.items())
    return [(key, value) for key, value in items if value is not None and value.dim() == 1]


def touched(layer: GraphLayer) -> bool:
    """Whether the numbers of inputs or outputs of a layer can change."""
    return layer.kind != 'other' and (
        layer.group is not None or any(s.group is not None for s in layer.inputs)
    )


def new_shape(layer: GraphLayer, module: nn.Module) -> tuple[int, ...]:
    """Return the shape of the whole weight that a layer of the graph has."""
    _, _, shape = weight_parts(module)
    inputs = 1 if layer.kind == 'depthwise' else layer.in_features
    return (layer.out_channels, inputs, *shape[2:])
