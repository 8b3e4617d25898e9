"""VGG-16 and AlexNet as FCN uses them: their fully connected layers are convolutions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

from .base import Backbone

__all__ = ['FCNFeatures']

# Name: places of the last three poolings in torchvision's features (strides 8, 16, 32), and the
# side of the map that the first fully connected layer reads.
NETWORKS = {'vgg16': ((16, 23, 30), 7), 'alexnet': ((2, 5, 12), 6)}


@MODELS.register_module()
class FCNFeatures(Backbone):
    """A classifier of torchvision without its last layer, at every place of an image.

    Its fully connected layers become convolutions with the same parameters, the first with a
    kernel as large as the map it read (7x7 for VGG-16, 6x6 for AlexNet), the second 1x1. Maps
    are padded to keep their size. Weights of torchvision's classifiers are read as they are.

    Args:
        name: 'vgg16' or 'alexnet'.
        fully_connected: ``False``: without those layers; the coarsest map is the last pooling's.
        out_indices: Which of the three maps to give; negative numbers count from the end.
        frozen_stages: -1: nothing; 0: the first convolution does not learn; ``n``: nor does
            what leads to the first ``n`` maps.
        norm_eval: Keep batch norm in evaluation mode in training; these networks have none.
        init_cfg: ``None``: normal distribution of He et al. by the outgoing connections;
            ``dict(type='Pretrained', checkpoint='torchvision://vgg16')`` loads weights.

    Raises:
        UserError: Another name.

    Source: 002, 4.2 ("these layers will be replaced with convolutional layers of equal number
    of parameters"), after Long et al. (2015), who pad the image instead.
    """

    def __init__(
        self,
        name: str = 'vgg16',
        fully_connected: bool = True,
        out_indices: int | Sequence[int] = (0, 1, 2),
        frozen_stages: int = -1,
        norm_eval: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        if name not in NETWORKS:
            raise UserError(f'name={name!r} of FCNFeatures is not one of {tuple(NETWORKS)}')
        super().__init__(
            3,
            out_indices,
            frozen_stages,
            norm_eval,
            init_cfg or dict(type='Kaiming', layer='Conv2d', mode='fan_out', distribution='normal'),
        )
        self.levels, self.side = NETWORKS[name]
        network = torchvision.models.get_model(name, weights=None)
        self.features = network.features
        self.classifier = None
        if fully_connected:
            # The last layer, which gives the classes, is the head's business.
            self.classifier = nn.Sequential(*list(network.classifier)[:-1])
            side = self.side
            for index, layer in enumerate(self.classifier):
                if isinstance(layer, nn.Linear):
                    self.classifier[index] = _as_convolution(layer, side)
                    side = 1
        self.register_load_state_dict_pre_hook(_reshape)
        self.finish([_width(*parts) for parts in self.stem_and_stages()[1:]])

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images ``(N, 3, H, W)`` to the maps of ``out_indices``, in their order.

        There are three, with strides 8, 16 and 32. Channels: 256, 512 and 4096 (VGG-16), 64, 192
        and 4096 (AlexNet, whose poolings round down); the last is 512 or 256 without the fully
        connected layers.
        """
        outs = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.levels:
                outs.append(x)
        if self.classifier is not None:
            before, after = (self.side - 1) // 2, self.side // 2
            outs[-1] = self.classifier(F.pad(x, (before, after, before, after)))
        return tuple(outs[index] for index in self.out_indices)

    def stem_and_stages(self) -> list[list[nn.Module]]:
        """The first convolution, and what leads to each map."""
        starts = (0, *(level + 1 for level in self.levels))
        stages: list[list[nn.Module]] = [
            [self.features[a:b]] for a, b in itertools.pairwise(starts)
        ]
        if self.classifier is not None:
            stages[-1].append(self.classifier)
        return [[self.features[0]], *stages]


def _width(*parts: nn.Module) -> int:
    convs = [m for part in parts for m in part.modules() if isinstance(m, nn.Conv2d)]
    return convs[-1].out_channels


def _as_convolution(layer: nn.Linear, side: int) -> nn.Conv2d:
    """Return the convolution with the layer's weights, for maps of ``side`` by ``side``."""
    channels = layer.in_features // side**2
    # On 'meta' nothing is drawn that the next line throws away.
    conv = nn.Conv2d(channels, layer.out_features, side, device='meta')
    conv.weight = nn.Parameter(layer.weight.detach().view(conv.weight.shape))
    conv.bias = layer.bias
    return conv


def _reshape(module: nn.Module, state_dict: dict[str, Tensor], prefix: str, *_: Any) -> None:
    """Bring the weights of torchvision's linear layers into the shape of the convolutions."""
    own = module.state_dict()
    for key in [k for k in state_dict if k.startswith(f'{prefix}classifier.')]:
        name = key.removeprefix(prefix)
        if name not in own:
            del state_dict[key]  # the layer of the classes, or all of them
        elif own[name].numel() == state_dict[key].numel():
            state_dict[key] = state_dict[key].view(own[name].shape)
