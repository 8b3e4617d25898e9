"""Several networks as one model: how they are built, where they are and what they predict."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from mmengine.model import BaseModel, ModuleList
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from .co_training_devices import AtItsDevice, devices_of_views
from .co_training_parts import build_view, check_classes

__all__ = ['Views']


class Views(BaseModel):
    """n classifiers whose mean probability is predicted.

    Args:
        views: Configs of n classifiers of mmpretrain with a head that returns scores ``(N, K)``.
        data_preprocessor: Of all views.
        devices: Where the views learn: a list of names that they take in turns, or ``'auto'``, all
            GPUs of a training in one process. None: where the model is.

    Raises:
        UserError: views have different classes, no such head, or preprocessors of their own; in
            :meth:`init_weights`, a device is not there.
    """

    preprocessor: ClassVar[str] = 'mmpretrain.ClsDataPreprocessor'

    def __init__(
        self,
        views: Sequence[dict],
        data_preprocessor: dict | None = None,
        devices: str | Sequence[str] | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        preprocessor = dict(type=self.preprocessor) | dict(data_preprocessor or {})
        super().__init__(data_preprocessor=preprocessor, init_cfg=init_cfg)
        # MMEngine's list, which asks each view for its init_cfg
        self.views = ModuleList(self._build_views(views))
        self.devices = devices
        self.is_spread = False

    def init_weights(self) -> None:
        """Initialise the views, and put each on its device; the optimizer keeps its weights."""
        places = devices_of_views(self.devices, len(self.views))
        super().init_weights()
        for view, device in zip(self.views, places, strict=False):
            view.to(device)
        self.is_spread = bool(places)

    def forward(
        self, inputs: Tensor, data_samples: list[DataSample] | None = None, mode: str = 'tensor'
    ) -> Any:
        """Train on a batch of bundles, or predict.

        Args:
            inputs: Normalised images, ``(N, C, H, W)``; for ``'loss'`` ``[b_1, b_2, b_u]`` of
                bundle after bundle.
            data_samples: With ``gt_label``, below 0 for unlabelled images.
            mode: ``'loss'``; ``'predict'``: samples with ``pred_score`` ``(K,)``, ``pred_label``
                and ``view_scores`` ``(n, K)``; ``'tensor'``: mean probabilities ``(N, K)``.
        """
        if mode == 'loss':
            return self.loss(inputs, data_samples or [])
        if mode == 'tensor':
            return self.probabilities(inputs).mean(dim=1)
        return self.predict(inputs, data_samples)

    def probabilities(self, inputs: Tensor) -> Tensor:
        """Return what each view says of images ``(N, C, H, W)``, ``(N, n, K)``."""
        return torch.stack([network(inputs).softmax(dim=1) for network in self.networks], dim=1)

    def predict(self, inputs: Tensor, data_samples: list[DataSample] | None = None) -> Any:
        """Fill in the samples of images ``(N, C, H, W)``, see :meth:`forward`."""
        samples = data_samples or [DataSample() for _ in inputs]
        for sample, each in zip(samples, self.probabilities(inputs), strict=True):
            mean = each.mean(dim=0)
            sample.set_pred_score(mean).set_pred_label(mean.argmax(dim=0, keepdim=True))
            sample.set_field(each, 'view_scores')
        return samples

    @abstractmethod
    def loss(self, inputs: Tensor, data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Return the terms of the loss, and what is worth logging."""

    @property
    def networks(self) -> Sequence[nn.Module]:
        """The views, each as a network that gives scores ``(N, K)`` of images, wherever it is."""
        networks = [self._as_network(view) for view in self.views]
        return [AtItsDevice(network) for network in networks] if self.is_spread else networks

    @staticmethod
    def _as_network(view: nn.Module) -> nn.Module:
        """Return what gives scores of images alone."""
        return view

    def _build_views(self, configs: Sequence[dict]) -> list[Any]:
        views = [build_view(i, config) for i, config in enumerate(configs)]
        check_classes([view.head.num_classes for view in views])
        return views

    @staticmethod
    def _labels(data_samples: list[DataSample], inputs: Tensor) -> Tensor:
        """Return the classes of images, ``(N,)``, below 0 for unlabelled ones."""
        return torch.cat([sample.gt_label for sample in data_samples]).to(inputs.device)

    def _range(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the views see of black and white."""
        preprocessor: Any = self.data_preprocessor
        black, white = images.new_tensor(0.0), images.new_tensor(255.0)
        if preprocessor._enable_normalize:
            black = (black - preprocessor.mean) / preprocessor.std
            white = (white - preprocessor.mean) / preprocessor.std
        return black, white
