"""Several segmentors that learn together from few label maps and many images without.

Vocabulary and letters as in :mod:`mmvisx.models.classifiers.co_training`; H, W are the sides of
an image, whose pixels take the place of images there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS as MMSEG_MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmvisx.models.classifiers.co_training import CoTrainingClassifier
from mmvisx.models.classifiers.co_training_parts import check_classes, check_no_preprocessor
from mmvisx.ops.co_training_attack import OWN_PREDICTION
from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

__all__ = ['CoTrainingSegmentor']

IGNORE = 255
UNLABELLED = -1  # every pixel of an image without a label map


@MODELS.register_module()
class CoTrainingSegmentor(CoTrainingClassifier):
    """Deep Co-Training of n segmentors: all losses are of pixels instead of images.

    Trains on batches of :class:`mmvisx.BundleBatchSampler` from a
    :class:`mmvisx.SemiSupervised`, whose unlabelled images have no label map. Scores
    are compared at the size of the images. Pixels labelled 255 have no part in the loss of the
    labels, and the attack treats them as unlabelled ones; in the other terms every pixel counts,
    also those that images are padded with.

    Predicts the best class of the views' mean probability, and ``view_sem_seg`` ``(n, H, W)`` with
    each view's own.

    Args:
        views: Configs of n encoder-decoders of mmseg; their architectures may differ. Auxiliary
            heads would not learn, so there are none.
        **kwargs: Of :class:`mmvisx.CoTrainingClassifier`; the preprocessor is mmseg's.

    Raises:
        UserError: as there; a view is no such segmentor, or has an auxiliary head.

    Source: 001, Eq. 3.6 to 3.8 and Algorithm 1, whose networks classify images. Pixels are ours.
    """

    preprocessor: ClassVar[str] = 'mmseg.SegDataPreProcessor'

    def __init__(self, views: Sequence[dict], **kwargs: Any) -> None:
        super().__init__(views, **kwargs)

    @staticmethod
    def _as_network(view: nn.Module) -> nn.Module:
        """Return what gives scores ``(N, K, H, W)`` of images alone."""
        return _FullSize(view)

    def predict(self, inputs: Tensor, data_samples: list[SegDataSample] | None = None) -> Any:
        """Fill in the samples of images ``(N, C, H, W)``, each view as it predicts alone."""
        size = inputs.shape[2:]
        whole = dict(ori_shape=size, img_shape=size, pad_shape=size, padding_size=[0] * 4)
        samples = data_samples or [SegDataSample(metainfo=whole) for _ in inputs]
        views: list[Any] = list(self.views)
        metas = [sample.metainfo for sample in samples]
        scores = []
        for view in views:
            there = inputs.to(next(view.parameters()).device)
            scores.append(view.inference(there, metas).to(inputs.device))
        own: list[list[Tensor]] = [[] for _ in samples]
        for view, each in zip(views, scores, strict=True):
            for maps, sample in zip(own, view.postprocess_result(each, samples), strict=True):
                maps.append(sample.pred_sem_seg.data)
        mean = torch.stack([each.log_softmax(dim=1) for each in scores]).logsumexp(dim=0)
        for maps, sample in zip(own, views[0].postprocess_result(mean, samples), strict=True):
            sample.set_data(dict(view_sem_seg=PixelData(data=torch.cat(maps))))
        return samples

    def _build_views(self, configs: Sequence[dict]) -> list[Any]:
        views = [_build_view(i, config) for i, config in enumerate(configs)]
        check_classes([view.out_channels for view in views])
        return views

    @staticmethod
    def _labels(data_samples: list[SegDataSample], inputs: Tensor) -> Tensor:
        """Return the classes of pixels, ``(N, H, W)``, all below 0 in unlabelled images."""
        none = torch.full(inputs.shape[2:], UNLABELLED, device=inputs.device)
        return torch.stack(
            [
                sample.gt_sem_seg.data[0].to(inputs.device) if 'gt_sem_seg' in sample else none
                for sample in data_samples
            ]
        )

    @staticmethod
    def _supervised(scores: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss of labelled pixels, 0 where there is none."""
        total = F.cross_entropy(scores, labels, ignore_index=IGNORE, reduction='sum')
        return total / (labels != IGNORE).sum().clamp(min=1)

    @staticmethod
    def _targets(labels: Tensor) -> Tensor:
        return labels.where((labels >= 0) & (labels != IGNORE), OWN_PREDICTION)


class _FullSize(nn.Module):
    """A segmentor that gives scores at the size of its images."""

    def __init__(self, segmentor: Any) -> None:
        super().__init__()
        self.segmentor = segmentor

    def forward(self, images: Tensor) -> Tensor:
        """Return ``(N, K, H, W)`` of ``(N, C, H, W)``."""
        meta = dict(img_shape=images.shape[2:])
        scores: Tensor = self.segmentor.encode_decode(images, [meta] * len(images))
        return scores


def _build_view(index: int, config: dict) -> Any:
    check_no_preprocessor(index, config)
    view = MMSEG_MODELS.build(config)
    if not isinstance(view, EncoderDecoder) or view.out_channels < 2:
        raise UserError(
            f'view {index}, {config.get("type")}, is no EncoderDecoder of mmseg with two classes '
            'or more'
        )
    view.test_cfg = ConfigDict(view.test_cfg or dict(mode='whole'))
    if view.with_auxiliary_head:
        raise UserError(
            f'view {index} has an auxiliary_head, which would not learn: leave it out '
            '(auxiliary_head=None)'
        )
    return view
