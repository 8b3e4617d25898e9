"""Any network of torchvision as a backbone, for those that MMPretrain does not have."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import torch
import torchvision
from torch import Tensor, nn
from torch.func import functional_call
from torch.fx import GraphModule, Node
from torchvision.models.feature_extraction import create_feature_extractor

from mmvisx.registry import MODELS
from mmvisx.utils import UserError
from mmvisx.utils.text import similar

from .base import Backbone, Parts

if TYPE_CHECKING:
    from mmengine.config import ConfigDict

__all__ = ['TorchvisionFeatures']


@MODELS.register_module()
class TorchvisionFeatures(Backbone):
    """Named layers of a network of torchvision, GoogLeNet for example.

    Args:
        name: Name in :func:`torchvision.models.list_models`.
        layers: Names of the layers to return, as in
            :func:`torchvision.models.feature_extraction.get_graph_node_names`. What comes
            after the last of them is left out.
        arguments: Arguments of the network.
        out_indices: Which of them to return, in the network's order, not in that of ``layers``;
            negative numbers count from the end. ``None``: all.
        frozen_stages: -1: nothing; 0: the first convolution and its norm do not learn; ``n``:
            nor does what the first ``n`` outputs need.
        norm_eval: Keep batch norm in evaluation mode in training.
        init_cfg: Config of the initialisation; ``dict(type='Pretrained',
            checkpoint='torchvision://googlenet')`` loads torchvision's weights.

    Raises:
        UserError: torchvision has no such network, or it has no such layer.

    Source: 004, "today's outline": VGG, ResNet, GoogLeNet as what became of AlexNet.
    """

    def __init__(
        self,
        name: str,
        layers: Sequence[str],
        arguments: dict[str, Any] | None = None,
        out_indices: int | Sequence[int] | None = None,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        init_cfg: ConfigDict | Sequence[ConfigDict] | None = None,
    ) -> None:
        total = len(set(layers))
        wanted = range(total) if out_indices is None else out_indices
        super().__init__(total, wanted, frozen_stages, norm_eval, init_cfg)
        known = torchvision.models.list_models()
        if name not in known:
            raise UserError(f'name={name!r}: torchvision has no such network{similar(name, known)}')
        network = torchvision.models.get_model(name, weights=None, **(arguments or {}))
        try:
            self.body = create_feature_extractor(network, list(layers))
        except ValueError as error:
            raise UserError(f'layers={list(layers)} of {name}: {error}') from error
        self.register_load_state_dict_pre_hook(_put_below_body)
        self.image_size = (arguments or {}).get('image_size', 224)
        self.part_names = _stem_and_stages(self.body)
        self.freeze()

    def __deepcopy__(self, memo: dict[int, Any]) -> TorchvisionFeatures:
        """Copy with every part's mode, which torch.fx's copy of a network forgets."""
        copied = type(self).__new__(type(self))
        memo[id(self)] = copied
        copied.__dict__.update(copy.deepcopy(self.__dict__, memo))
        modes = {name: part.training for name, part in self.named_modules()}
        for name, part in copied.named_modules():
            part.training = modes[name]
        return copied

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images ``(N, 3, H, W)`` to the outputs of ``out_indices``, in their order."""
        outs = list(self.body(x).values())
        return tuple(outs[index] for index in self.out_indices)

    def stem_and_stages(self) -> Parts:
        """The first convolution and its norm, and all that each output needs."""
        return [[attrgetter(name)(self.body) for name in names] for names in self.part_names]

    # torchvision does not tell, and a network that cannot tell may still be used.
    @property
    def out_channels(self) -> tuple[int, ...]:  # type: ignore[override]
        """Channels of the outputs, in their order; found without arithmetic or random numbers."""
        weights = {k: torch.empty_like(v, device='meta') for k, v in self.body.state_dict().items()}
        images = torch.empty(2, 3, self.image_size, self.image_size, device='meta')
        with torch.no_grad():
            outs = list(functional_call(self.body, weights, (images,)).values())
        return tuple(outs[index].shape[1] for index in self.out_indices)


def _stem_and_stages(body: GraphModule) -> list[list[str]]:
    """Names of the stem's modules and parameters, and of all that each output is computed with."""
    owners = {node: str(node.target) for node in body.graph.nodes if _is_learnt(body, node)}
    stem: list[str] = []
    seen = False
    for name in owners.values():
        part = attrgetter(name)(body)
        parameters = part.parameters() if isinstance(part, nn.Module) else [part]
        if any(parameter.ndim > 1 for parameter in parameters):
            if seen:
                break
            seen = True
        stem.append(name)
    (outputs,) = (node.args[0] for node in body.graph.nodes if node.op == 'output')
    needed = [_ancestors(node) for node in outputs.values()]
    return [stem, *([owners[n] for n in owners if n in nodes] for nodes in needed)]


def _is_learnt(body: GraphModule, node: Node) -> bool:
    if node.op == 'get_attr':
        return isinstance(attrgetter(str(node.target))(body), nn.Parameter)
    return node.op == 'call_module'


def _ancestors(node: Node) -> set[Node]:
    """The node and all that it is computed from."""
    found, waiting = set(), [node]
    while waiting:
        last = waiting.pop()
        if last not in found:
            found.add(last)
            waiting += last.all_input_nodes
    return found


def _put_below_body(
    module: nn.Module, state_dict: dict[str, Tensor], prefix: str, *_: object
) -> None:
    """Let torchvision's own state dicts be loaded: ``conv1...`` is ``body.conv1...`` here."""
    names = {name.removeprefix('body.') for name in module.state_dict()}
    for key in [k for k in state_dict if k.removeprefix(prefix) in names]:
        if key.startswith(prefix):
            state_dict[f'{prefix}body.{key.removeprefix(prefix)}'] = state_dict.pop(key)
