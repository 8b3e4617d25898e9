"""The map from activations to classifier weights."""

from __future__ import annotations

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmvisx.ops.few_shot import unit_length
from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

__all__ = ['ParameterPredictor']


@MODELS.register_module()
class ParameterPredictor(BaseModule):
    """Predict the weights of a class from a statistic of its activations.

    The statistic is brought to unit length. One layer (``phi^1`` of the document) is linear from
    there, Eq. 2.4; with more (two are ``phi^2``) there is a ReLU after each but the last, and the
    result has unit length. Layers start as the identity with biases of zero, so that an untrained
    ``phi^1`` gives cosine similarity to the statistic.

    Args:
        channels: d, of the activations.
        depth: Layers; 0 is the identity after unit length.

    Raises:
        UserError: ``channels`` is below 1 or ``depth`` below 0.

    Source: 001, section 2.2.4.1. Differs from the document: the input is brought to unit length,
    as the authors' code does, and the start is the identity, which Figure 2-5 implies.
    """

    def __init__(self, channels: int, depth: int = 2) -> None:
        super().__init__()
        if channels < 1 or depth < 0:
            raise UserError(
                f'channels={channels}, depth={depth} of ParameterPredictor: channels must be at '
                'least 1 and depth at least 0'
            )
        self.channels = channels
        self.layers = nn.ModuleList(nn.Linear(channels, channels) for _ in range(depth))
        self.init_weights()

    @torch.no_grad()
    def init_weights(self) -> None:
        """Make every layer the identity."""
        for layer in self.layers:
            for name, parameter in layer.named_parameters():
                (nn.init.eye_ if name == 'weight' else nn.init.zeros_)(parameter)

    def forward(self, statistics: Tensor) -> Tensor:
        """Map statistics ``(..., d)`` to weights ``(..., d)``."""
        x = unit_length(statistics)
        for i, layer in enumerate(self.layers):
            x = layer(x if i == 0 else x.relu())
        return unit_length(x) if len(self.layers) > 1 else x

    def expected(self, mean: Tensor, samples: Tensor, p_mean: float) -> Tensor:
        """Return the expectation of a class's weights over its statistics, ``(d,)``.

        With probability ``p_mean`` the statistic is the mean, else one of the samples, each as
        likely.

        Args:
            mean: Of the activations, ``(d,)``.
            samples: The activations, ``(n, d)``.
            p_mean: From 0 to 1.

        Raises:
            UserError: ``p_mean`` is no probability.

        Source: 001, Eq. 2.3, whose exponents are linear in the weights: the expectation of the
        logits is the logit of this vector.
        """
        if not 0 <= p_mean <= 1:
            raise UserError(f'p_mean={p_mean} is a probability: from 0 to 1')
        return p_mean * self(mean) + (1 - p_mean) * self(samples).mean(dim=0)
