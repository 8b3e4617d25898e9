"""VGG without linear layers, as Neural Rejuvenation changes it (001, 5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from mmcv.cnn import ConvModule
from torch import Tensor, nn

from mmvisx.registry import MODELS
from mmvisx.utils import UserError

from .base import HE, Backbone, Parts

if TYPE_CHECKING:
    from mmengine.config import ConfigDict

__all__ = ['ConvVGG']

STEMS = ('vgg', 'resnet')


@MODELS.register_module()
class ConvVGG(Backbone):
    """The convolutions of VGG with batch norm, and what 001 puts in the place of the rest.

    mmpretrain's ``VGG`` has fixed widths, a pooling behind each of its five stages and biases
    in front of the norms. Here the poolings go where they are wanted and the convolutions have
    no bias.

    Parameters without the head; VGG-19's 16 convolutions have 20,018,880 weights and 5,504
    norms, VGG-16's 13 have 14,710,464 and 4,224:

    - VGG-19 for CIFAR (``pool_after=(4, 10)``): 20,018,880 + 2 * 5,504 = 20,029,888, with a
      head 20,035,018 for 10 and 20,081,188 for 100 classes (20.04M and 20.08M of Table 5-IV);
    - VGG-19 for ImageNet with five poolings has as many, with a head 20,542,888 (20.5M of
      5.4.2). ResNet's first layer brings 49 weights a channel instead of 9: 20,550,568;
    - VGG-16 with two 1x1 convolutions of 4,096 (``extra_channels``): 14,710,464 + 512 * 4,096
      + 4,096^2 + 2 * (4,224 + 8,192) = 33,609,664, with a head 37,706,664 (37.7M of Table
      5-II).

    Args:
        depth: 11, 13, 16 or 19: three more than there are 3x3 convolutions.
        in_channels: Channels of the image.
        base_channels: Channels of the first stage, 64 in VGG; the last has 8 times as many.
        pool_after: Numbers of the 3x3 convolutions, from 1, that 2x2 max-pooling follows;
            ``None``: the last of each of VGG's five stages.
        stem: 'vgg': the first convolution is 3x3; 'resnet': 7x7 with stride 2, as ResNet's.
        extra_channels: Outputs of 1x1 convolutions behind the last pooling.
        out_indices: Which maps to give: those in front of each pooling that something follows,
            and the last. Negative numbers count from the end.
        frozen_stages: -1: nothing; 0: the first convolution does not learn; ``n``: nor does
            what leads to the first ``n`` maps.
        norm_eval: Keep batch norm in evaluation mode in training.
        norm_cfg: Config of the norms.
        act_cfg: Config of the activations.
        init_cfg: Config of the initialisation.

    Raises:
        UserError: an unknown depth or stem, a pooling behind a convolution that is not there,
            an index without a map.

    Source: 001, 5.4.2 (simplified VGG-19), 5.4.3 (VGG-16), 5.4.4.2 (VGG-19 for CIFAR).

    Differs from the document: where VGG-16's 1x1 convolutions stand is not said; behind the
    last pooling, at 7x7, they bring 0.92 G multiply-adds, which its 15.3 G leave out.
    """

    arch_settings: ClassVar[dict[int, tuple[int, ...]]] = {
        11: (1, 1, 2, 2, 2),
        13: (2, 2, 2, 2, 2),
        16: (2, 2, 3, 3, 3),
        19: (2, 2, 4, 4, 4),
    }

    def __init__(
        self,
        depth: int = 19,
        in_channels: int = 3,
        base_channels: int = 64,
        pool_after: Sequence[int] | None = None,
        stem: str = 'vgg',
        extra_channels: Sequence[int] = (),
        out_indices: int | Sequence[int] = -1,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        norm_cfg: ConfigDict | None = None,
        act_cfg: ConfigDict | None = None,
        init_cfg: ConfigDict | Sequence[ConfigDict] | None = None,
    ) -> None:
        if depth not in self.arch_settings:
            raise UserError(
                f'depth={depth!r} of ConvVGG is not one of {sorted(self.arch_settings)}'
            )
        if stem not in STEMS:
            raise UserError(f'stem={stem!r} of ConvVGG is not one of {STEMS}')
        blocks = self.arch_settings[depth]
        if pool_after is None:
            pool_after = tuple(sum(blocks[: i + 1]) for i in range(len(blocks)))
        wrong = [number for number in pool_after if number not in range(1, sum(blocks) + 1)]
        if wrong:
            raise UserError(
                f'pool_after={tuple(pool_after)!r} of ConvVGG: VGG-{depth} has the convolutions '
                f'1 to {sum(blocks)}'
            )
        options = dict(
            bias=False,
            norm_cfg=norm_cfg or dict(type='BN'),
            act_cfg=act_cfg or dict(type='ReLU'),
        )
        widths = [base_channels * min(2**i, 8) for i, n in enumerate(blocks) for _ in range(n)]

        # In Sequentials: a ConvModule that is a direct child of a module draws its own weights
        # over those of init_cfg.
        stages: list[list[nn.Module]] = [[]]
        maps = []
        for number, width in enumerate(widths, 1):
            size = dict(kernel_size=3, padding=1)
            if number == 1 and stem == 'resnet':
                size = dict(kernel_size=7, padding=3, stride=2)
            stages[-1].append(ConvModule(in_channels, width, **size, **options))
            in_channels = width
            if number in pool_after:
                stages.append([nn.MaxPool2d(2)])
                maps.append(width)
        for width in extra_channels:
            stages[-1].append(ConvModule(in_channels, width, 1, **options))
            in_channels = width
        # A pooling behind everything belongs to the last map.
        if len(stages) > 1 and len(stages[-1]) == 1:
            pooling = stages.pop()
            stages[-1] += pooling
            maps.pop()
        init_cfg = HE if init_cfg is None else init_cfg
        super().__init__(len(stages), out_indices, frozen_stages, norm_eval, init_cfg)
        self.stages = nn.Sequential(*(nn.Sequential(*stage) for stage in stages))
        self.feat_dim = in_channels
        self.finish([*maps, in_channels])

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images ``(N, in_channels, H, W)`` to the maps of ``out_indices``."""
        return self.maps_of(x, self.stages)

    def stem_and_stages(self) -> Parts:
        """The first convolution, and what leads to each map."""
        return [[next(self.stages[0].children())], *([stage] for stage in self.stages)]
