"""Deep Embedded Clustering: an encoder and the clusters of its codes, learnt together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmvisx.ops.embedded_clustering import kl_clustering_loss, student_t_assignment
from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

__all__ = ['DEC']


@MODELS.register_module()
class DEC(BaseModel):
    """Points, their codes and how far each belongs to each cluster.

    :class:`mmvisx.DECTargetHook` sets the centroids by k-means when training starts, and the
    targets, from all points, every so many iterations.

    Args:
        encoder: Config of what makes codes ``(N, d)`` of points: :class:`mmvisx.StackedEncoder`,
            usually with ``init_cfg`` that names an autoencoder's checkpoint, or any network. Of
            several maps the last is taken, and its mean over the places.
        num_clusters: K, 2 or more.
        channels: d, values of a code.
        alpha: Degrees of freedom of Student's t-distribution (Eq. 3.1).
        freeze_encoder: Learn the centroids alone ("w/o backprop").
        input_shape: Of one point, ``(C, H, W)`` for networks of images; by default points stay
            vectors.
        data_preprocessor: Config; moves points to the device by default.
        init_cfg: As of MMEngine.

    Attributes:
        targets: What the assignments of all n points are pulled towards, ``(n, K)``; ``None``
            before training. No part of the state dict: checkpoints of a training hold it beside.

    Raises:
        UserError: ``num_clusters`` is below 2, or ``alpha`` not positive.

    Source: 000, section 3.3.1.
    """

    targets: Tensor | None = None

    def __init__(
        self,
        encoder: Mapping[str, Any],
        num_clusters: int,
        channels: int = 10,
        alpha: float = 1.0,
        freeze_encoder: bool = False,
        input_shape: Sequence[int] | None = None,
        data_preprocessor: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        if num_clusters < 2:
            raise UserError(f'num_clusters={num_clusters} of DEC: there must be 2 or more')
        if not alpha > 0:
            raise UserError(f'alpha={alpha} of DEC: degrees of freedom are above 0')
        self.encoder = MODELS.build(dict(encoder))
        self.centroids = nn.Parameter(torch.zeros(num_clusters, channels))
        self.alpha = alpha
        self.freeze_encoder = freeze_encoder
        self.input_shape = input_shape and tuple(input_shape)
        if freeze_encoder:
            self.encoder.requires_grad_(False)

    @property
    def num_clusters(self) -> int:
        """K."""
        return len(self.centroids)

    def train(self, mode: bool = True) -> DEC:
        """Set the mode; a frozen encoder stays in evaluation."""
        super().train(mode)
        if self.freeze_encoder:
            self.encoder.eval()
        return self

    def embed(self, inputs: Tensor) -> Tensor:
        """Return codes ``(N, d)`` of points ``(N, D)``."""
        if self.input_shape:
            inputs = inputs.reshape(-1, *self.input_shape)
        codes = self.encoder(inputs)
        if isinstance(codes, tuple | list):
            codes = codes[-1]
        return codes if codes.dim() == 2 else codes.flatten(2).mean(dim=2)

    def assign(self, codes: Tensor) -> Tensor:
        """Return q of codes ``(N, d)``, ``(N, K)``."""
        return student_t_assignment(codes, self.centroids, self.alpha)

    def forward(
        self,
        inputs: Tensor,
        indices: Tensor | None = None,
        labels: Tensor | None = None,
        mode: str = 'tensor',
    ) -> Any:
        """Embed points, assign them, or compare the assignment with its target.

        Args:
            inputs: Points, ``(N, D)``.
            indices: Their numbers among all points, ``(N,)``; needed for the loss.
            labels: Known classes for the metric, ``(N,)``.
            mode: ``'tensor'``: codes ``(N, d)``; ``'loss'``: the divergence by name; ``'predict'``:
                a list of one dict with ``q`` ``(N, K)``, ``indices`` and ``labels`` where there
                are any.

        Raises:
            UserError: Trained without targets, or assigned without centroids.
        """
        codes = self.embed(inputs)
        if mode == 'tensor':
            return codes
        if not self.centroids.any():
            raise UserError(
                'DEC has no centroids yet: train it with mmvisx.DECTargetHook in custom_hooks, or '
                'load a checkpoint of such a training'
            )
        q = self.assign(codes)
        if mode == 'loss':
            if self.targets is None or indices is None:
                raise UserError(
                    'DEC has no targets: mmvisx.DECTargetHook, which sets them, is not in '
                    'custom_hooks, or the batch has no indices (mmvisx.VectorDataset gives them)'
                )
            return dict(loss=kl_clustering_loss(q, self.targets[indices]))
        known = dict(indices=indices, labels=labels)
        return [dict(q=q, **{k: v for k, v in known.items() if v is not None})]
