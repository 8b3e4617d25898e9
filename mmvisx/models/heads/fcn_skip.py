"""FCN's fusion of scores from several levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn

from mmvisx.models.layers.fcn_skip_upsample import BilinearConvTranspose2d
from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

__all__ = ['FCNSkipHead']


@MODELS.register_module()
class FCNSkipHead(BaseDecodeHead):
    """A 1x1 classifier on every level; coarse scores are upsampled and added to finer ones.

    Every upsampling, the last to the size of the image too, is a transposed convolution that
    starts as bilinear interpolation and learns. Where sizes do not fit (odd maps), the scores
    are resized bilinearly.

    Args:
        in_channels: Channels of each level, fine to coarse.
        in_index: The levels' places among the maps of the backbone, fine to coarse; ``None``:
            all.
        strides: Stride of each level, fine to coarse: the scale of each upsampling is the ratio
            to the level before, of the last one the first stride.
        dropout_ratio: Share of the coarsest level's channels that its classifier does not see
            in training.
        init_cfg: ``None``: the classifiers are drawn from the normal distribution of He et al.
        kwargs: See :class:`mmseg.models.decode_heads.decode_head.BaseDecodeHead`:
            ``num_classes``, ``loss_decode``, ``ignore_index`` and others.

    Raises:
        UserError: Lists of different length, or a stride that is not a multiple of the one
            before.

    Source: 002, 4.2, Figures 4.2 and 4.3b; with strides 8, 16 and 32 it is the FCN-8s of Long
    et al. (2015).

    Differs from the document, which does not say how the upsampling starts: as in the
    publication, but the last one learns as well, and borders are repeated (see
    :class:`BilinearConvTranspose2d`).
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        in_index: Sequence[int] | None = None,
        strides: Sequence[int] = (8, 16, 32),
        dropout_ratio: float = 0.0,
        init_cfg: dict | list[dict] | None = None,
        **kwargs: Any,
    ) -> None:
        in_channels = _row('in_channels', in_channels)
        in_index = list(range(len(in_channels))) if in_index is None else list(in_index)
        strides = _row('strides', strides)
        if not len(in_channels) == len(in_index) == len(strides):
            raise UserError(
                f'FCNSkipHead has {len(in_channels)} in_channels, {len(in_index)} in_index and '
                f'{len(strides)} strides: give one of each for every level'
            )
        for finer, coarser in zip([1, *strides], strides, strict=False):
            if coarser % finer or coarser == finer:
                raise UserError(
                    f'strides={strides} of FCNSkipHead: {coarser} is not a multiple of {finer}; '
                    'strides rise from fine to coarse'
                )
        super().__init__(
            in_channels=in_channels,
            in_index=in_index,
            input_transform='multiple_select',
            channels=in_channels[-1],
            dropout_ratio=dropout_ratio,
            init_cfg=init_cfg
            or dict(type='Kaiming', layer='Conv2d', mode='fan_out', distribution='normal'),
            **kwargs,
        )
        classes = self.out_channels
        # The coarsest level's is conv_seg.
        self.skips = nn.ModuleList(nn.Conv2d(c, classes, 1) for c in in_channels[:-1])
        scales = [b // a for a, b in zip([1, *strides], strides, strict=False)]
        self.upsamplings = nn.ModuleList(BilinearConvTranspose2d(classes, s) for s in scales)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Map the levels ``(N, C_i, H_i, W_i)`` to scores ``(N, num_classes, s H_0, s W_0)``.

        ``s`` is the first stride.
        """
        *finer, coarsest = self._transform_inputs(inputs)
        out = self.cls_seg(coarsest)
        for level in reversed(range(len(finer))):
            scores = self.skips[level](finer[level])
            out = self.upsamplings[level + 1](out)
            if out.shape != scores.shape:
                out = F.interpolate(
                    out, scores.shape[2:], mode='bilinear', align_corners=self.align_corners
                )
            out = out + scores
        return self.upsamplings[0](out)


def _row(name: str, values: Any) -> list[int]:
    if (
        not isinstance(values, Sequence)
        or not values
        or not all(isinstance(v, int) and v >= 1 for v in values)
    ):
        raise UserError(
            f'{name}={values!r} of FCNSkipHead must be whole numbers >= 1, one for each level'
        )
    return list(values)
