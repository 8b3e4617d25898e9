"""Any network of torchvision as a backbone, for those that MMPretrain does not have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torchvision
from torch import Tensor, nn
from torchvision.models.feature_extraction import create_feature_extractor

from mmvisx.registry import MODELS
from mmvisx.utils import UserError
from mmvisx.utils.text import similar

from .base import CheckedInit

if TYPE_CHECKING:
    from mmengine.config import ConfigDict

__all__ = ['TorchvisionFeatures']


@MODELS.register_module()
class TorchvisionFeatures(CheckedInit):
    """Named layers of a network of torchvision, GoogLeNet for example.

    Args:
        name: Name in :func:`torchvision.models.list_models`.
        layers: Names of the layers to return, as in
            :func:`torchvision.models.feature_extraction.get_graph_node_names`. What comes
            after the last of them is left out.
        arguments: Arguments of the network.
        init_cfg: Config of the initialisation; ``dict(type='Pretrained',
            checkpoint='torchvision://googlenet')`` loads torchvision's weights.

    Raises:
        UserError: torchvision has no such network, or it has no such layer.
    """

    def __init__(
        self,
        name: str,
        layers: Sequence[str],
        arguments: dict[str, Any] | None = None,
        init_cfg: ConfigDict | Sequence[ConfigDict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        known = torchvision.models.list_models()
        if name not in known:
            raise UserError(f'name={name!r}: torchvision has no such network{similar(name, known)}')
        network = torchvision.models.get_model(name, weights=None, **(arguments or {}))
        try:
            self.body = create_feature_extractor(network, list(layers))
        except ValueError as error:
            raise UserError(f'layers={list(layers)} of {name}: {error}') from error
        self.register_load_state_dict_pre_hook(_put_below_body)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images ``(N, 3, H, W)`` to the outputs of ``layers``."""
        return tuple(self.body(x).values())


def _put_below_body(
    module: nn.Module, state_dict: dict[str, Tensor], prefix: str, *_: object
) -> None:
    """Let torchvision's own state dicts be loaded: ``conv1...`` is ``body.conv1...`` here."""
    names = {name.removeprefix('body.') for name in module.state_dict()}
    for key in [k for k in state_dict if k.removeprefix(prefix) in names]:
        if key.startswith(prefix):
            state_dict[f'{prefix}body.{key.removeprefix(prefix)}'] = state_dict.pop(key)
