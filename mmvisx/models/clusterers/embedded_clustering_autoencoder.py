"""The stacked autoencoder of Deep Embedded Clustering (000, 3.3.2), trained pair by pair.

Words: a *pair* is an encoding layer and the decoding layer that undoes it, numbered from 0, the
outermost; the *code* is what the last encoding layer gives. Letters: N points, d values of a point.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch.nn.functional as F
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmvisx.models.backbones.base import CheckedInit
from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

__all__ = ['StackedAutoencoder', 'StackedEncoder']


@MODELS.register_module()
class StackedEncoder(CheckedInit):
    """Linear layers with a ReLU after each but the last, whose code keeps all its information.

    Args:
        channels: Values of a point, of each layer and of the code; the document has
            d-500-500-2000-10.
        init_cfg: By default weights of N(0, 0.01) and biases of 0.

    Raises:
        UserError: There are fewer than two numbers, or one is below 1.

    Source: 000, 3.3.2, 3.4.3 and Figure 3.1.
    """

    def __init__(
        self,
        channels: Sequence[int] = (784, 500, 500, 2000, 10),
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        if len(channels) < 2 or min(channels) < 1:
            raise UserError(
                f'channels={tuple(channels)} should be two numbers or more, from 1 on: values of a '
                'point, of each layer, of the code'
            )
        super().__init__(init_cfg or dict(type='Normal', layer='Linear', std=0.01))
        self.channels = tuple(channels)
        self.layers = nn.ModuleList(nn.Linear(n, m) for n, m in pairwise(channels))

    def layer(self, index: int, x: Tensor) -> Tensor:
        """Send ``(N, channels[index])`` through one layer, to ``(N, channels[index + 1])``."""
        x = self.layers[index](x)
        return x if index == len(self.layers) - 1 else x.relu()

    def forward(self, x: Tensor, depth: int | None = None) -> Tensor:
        """Return the code ``(N, channels[-1])`` of points ``(N, d)``.

        Args:
            x: Points.
            depth: Stop after so many layers; by default after the last.
        """
        for index in range(len(self.layers) if depth is None else depth):
            x = self.layer(index, x)
        return x


@MODELS.register_module()
class StackedAutoencoder(BaseModel):
    """An encoder and its mirror image, trained pair after pair and then as a whole.

    The training loop :class:`mmvisx.GreedyLoop` sets :attr:`pair`. A pair is a denoising
    autoencoder of what the pairs below give: from the second on its input is dropped out, and its
    hidden layer in all but the last. The decoding layer is followed by a ReLU but in the first
    pair, whose data may be negative. Nothing is dropped out when all are trained together.

    Args:
        channels: Of the encoder, see :class:`StackedEncoder`.
        dropout: Share of values that are dropped out while pairs are trained, from 0 to below 1.
        data_preprocessor: Config; moves points to the device by default.
        init_cfg: As of :class:`StackedEncoder`, for encoder and decoder.

    Attributes:
        pair: Which pair is trained; ``None``: all of them together.

    Raises:
        UserError: ``dropout`` is no share, or :class:`StackedEncoder` refuses ``channels``.

    Source: 000, 3.3.2, Eq. 3.6 to 3.9. Differs from the document: the loss is half the mean over
    points and values, as in the published settings; with the printed sum, the printed learning
    rate diverges.
    """

    def __init__(
        self,
        channels: Sequence[int] = (784, 500, 500, 2000, 10),
        dropout: float = 0.2,
        data_preprocessor: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        if not 0 <= dropout < 1:
            raise UserError(f'dropout={dropout} of StackedAutoencoder: from 0 to below 1')
        init_cfg = init_cfg or dict(type='Normal', layer='Linear', std=0.01)
        super().__init__(data_preprocessor, init_cfg)
        self.encoder = StackedEncoder(channels, init_cfg)
        # Number i undoes layer i of the encoder.
        self.decoder = nn.ModuleList(nn.Linear(m, n) for n, m in pairwise(channels))
        self.dropout = dropout
        self.pair: int | None = None

    @property
    def num_pairs(self) -> int:
        """How many pairs there are."""
        return len(self.decoder)

    def forward(
        self,
        inputs: Tensor,
        indices: Tensor | None = None,
        labels: Tensor | None = None,
        mode: str = 'tensor',
    ) -> Any:
        """Encode points, or rebuild them.

        Args:
            inputs: Points, ``(N, d)``; to train a pair, what the pairs below give for them,
                ``(N, channels[pair])``.
            indices: Numbers of the points, ``(N,)``; not used.
            labels: ``(N,)``; not used.
            mode: ``'loss'``: half the mean squared error of what is trained, by name;
                ``'tensor'`` and ``'predict'``: codes ``(N, channels[-1])``.
        """
        if mode != 'loss':
            return self.encoder(inputs)
        rebuilt = self.rebuild(inputs) if self.pair is None else self.rebuild_pair(inputs)
        return dict(loss=F.mse_loss(rebuilt, inputs) / 2)

    def rebuild(self, points: Tensor) -> Tensor:
        """Encode and decode points ``(N, d)``, with all pairs and without dropout."""
        x = self.encoder(points)
        for index in reversed(range(self.num_pairs)):
            x = self._decode(index, x)
        return x

    def rebuild_pair(self, inputs: Tensor) -> Tensor:
        """Encode and decode ``(N, channels[pair])`` with the pair that is trained (Eq. 3.6-3.9)."""
        assert self.pair is not None
        x = inputs if self.pair == 0 else self._drop(inputs)
        x = self.encoder.layer(self.pair, x)
        if self.pair < self.num_pairs - 1:
            x = self._drop(x)
        return self._decode(self.pair, x)

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)

    def _decode(self, index: int, x: Tensor) -> Tensor:
        x = self.decoder[index](x)
        return x if index == 0 else x.relu()
