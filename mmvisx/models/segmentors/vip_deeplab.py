"""Classes, objects and depth of frames, and where the next frame's pixels have their objects.

Letters: N images or pairs, K classes, H and W the sides of an image, h and w those of the finest
decoded map. Offsets are (y, x) from a pixel to its object's centre, in pixels of the image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement, PixelData
from torch import Tensor

from mmvisx.models.heads.vip_deeplab import DepthHead, PixelHead
from mmvisx.models.layers.vip_deeplab_decoder import PanopticDecoder, enlarge
from mmvisx.models.losses.vip_deeplab_depth import DepthLoss
from mmvisx.models.losses.vip_deeplab_panoptic import HardestCrossEntropyLoss, mean_of_images
from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError

from .vip_deeplab_stream import InferenceOptions, stream

__all__ = ['ViPDeepLab']

SEMANTIC = dict(projections=(64, 32), channels=256, head_channels=256)
INSTANCE = dict(projections=(32, 16), channels=128, head_channels=32)
NEXT_FRAME = dict(INSTANCE, num_modules=4)
WEIGHTS = dict(semantic=1.0, centre=200.0, offset=0.01, next_offset=0.01, depth=0.1)
PAIR = 2
Features = tuple[Tensor, list[Tensor]]


@MODELS.register_module()
class ViPDeepLab(BaseModel):
    """Panoptic-DeepLab with depth, and a branch that regresses the next frame to its centres.

    A training sees pairs of frames ``(N, 2, 3, H, W)``; the first one's features give classes,
    centres, offsets and depth, both together the offsets of the second. Without ``next_frame`` it
    sees images ``(N, 3, H, W)`` and is Panoptic-DeepLab, with or without depth.

    Args:
        backbone: Config of a backbone with several maps.
        num_classes: K, things and stuff.
        in_channels: Channels of the maps, of the neck's if there is one, from fine to coarse. The
            last is the one that context is taken of; maps behind it have no part.
        in_strides: How many pixels of the image a step in each map is.
        neck: Config of what turns the backbone's maps into others, such as
            :class:`mmvisx.RecursiveFeaturePyramid`.
        decoder_strides: Of the finer maps that are joined, from coarse to fine.
        semantic: What differs from the document in the decoder and head of classes: arguments of
            :class:`~mmvisx.models.layers.vip_deeplab_decoder.PanopticDecoder` and
            ``head_channels``.
        instance: The same of centres and offsets.
        next_frame: The same of the next frame's offsets; ``None`` for single images.
        depth_head: Arguments of :class:`~mmvisx.models.heads.vip_deeplab.DepthHead`; ``None``: no
            depth.
        loss_weights: Factors that differ from the document's of ``'semantic'``, ``'centre'``,
            ``'offset'``, ``'next_offset'`` and ``'depth'``.
        test_cfg: Which classes are things, and how objects are made: see
            :class:`~mmvisx.models.segmentors.vip_deeplab_stream.InferenceOptions`.
        **kwargs: Of :class:`mmengine.model.BaseModel`; the preprocessor is
            :class:`mmvisx.FramePreprocessor`.

    Raises:
        UserError: strides that the maps do not have, weights of unknown losses; in training,
            inputs that are no pairs (or pairs without ``next_frame``), samples without targets.

    Source: 001, 7.3 and Figure 7-3; widths and weights as in the code of Panoptic-DeepLab, since
    the chapter prints none.
    """

    def __init__(
        self,
        backbone: Mapping[str, Any],
        num_classes: int,
        in_channels: Sequence[int],
        in_strides: Sequence[int],
        neck: Mapping[str, Any] | None = None,
        decoder_strides: Sequence[int] = (8, 4),
        semantic: Mapping[str, Any] | None = None,
        instance: Mapping[str, Any] | None = None,
        next_frame: Mapping[str, Any] | None = NEXT_FRAME,
        depth_head: Mapping[str, Any] | None = dict(),
        loss_weights: Mapping[str, float] | None = None,
        test_cfg: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.backbone = MODELS.build(dict(backbone))
        self.neck = None if neck is None else MODELS.build(dict(neck))
        self.num_classes = num_classes
        self.num_maps = len(in_channels)
        self.low_maps = _maps_of_strides(decoder_strides, in_strides, in_channels)
        low = [in_channels[index] for index in self.low_maps]
        high = in_channels[-1]
        self.weights = _weights(loss_weights)
        self.options = InferenceOptions.of(test_cfg)

        options, width = _split({**SEMANTIC, **(semantic or {})})
        self.semantic_decoder = PanopticDecoder(high, low, **options)
        joined, norm = self.semantic_decoder.channels, options.get('norm_cfg')
        self.semantic_head = PixelHead(joined, width, num_classes, norm)
        self.depth_head = None
        if depth_head is not None:
            self.depth_head = DepthHead(joined, **{'norm_cfg': norm, **depth_head})
            self.depth_loss = DepthLoss(self.depth_head.max_depth)

        options, width = _split({**INSTANCE, **(instance or {})})
        self.instance_decoder = PanopticDecoder(high, low, **options)
        joined, norm = self.instance_decoder.channels, options.get('norm_cfg')
        self.centre_head = PixelHead(joined, width, 1, norm)
        self.offset_head = PixelHead(joined, width, 2, norm)

        self.next_decoder = None
        if next_frame is not None:
            options, width = _split({**NEXT_FRAME, **next_frame})
            self.next_decoder = PanopticDecoder(PAIR * high, low, **options)
            joined, norm = self.next_decoder.channels, options.get('norm_cfg')
            self.next_head = PixelHead(joined, width, 2, norm)
        self.semantic_loss = HardestCrossEntropyLoss()

    def extract_feat(self, images: Tensor) -> Features:
        """Return the coarsest map of images ``(N, 3, H, W)`` and the finer ones, coarse to fine."""
        maps = self.backbone(images)
        if self.neck is not None:
            maps = self.neck(maps)
        if len(maps) < self.num_maps:
            raise UserError(
                f'in_channels of ViPDeepLab names {self.num_maps} maps, and the network in front '
                f'gives {len(maps)}: set its out_indices'
            )
        return maps[self.num_maps - 1], [maps[index] for index in self.low_maps]

    def frame_outputs(self, features: Features) -> dict[str, Tensor]:
        """Return what one frame says of itself.

        Returns:
            ``semantic`` scores ``(N, K, h, w)``, ``centre`` ``(N, 1, h, w)``, ``offset``
            ``(N, 2, h, w)`` and, with depth, logits ``depth`` ``(N, 1, 2h, 2w)``.
        """
        semantic = self.semantic_decoder(*features)
        instance = self.instance_decoder(*features)
        outputs = dict(
            semantic=self.semantic_head(semantic),
            centre=self.centre_head(instance),
            offset=self.offset_head(instance),
        )
        if self.depth_head is not None:
            outputs['depth'] = self.depth_head(semantic)
        return outputs

    def next_offset(self, features: Features, following: Features) -> Tensor:
        """Return offsets ``(N, 2, h, w)`` of the next frame's pixels to centres of the first."""
        assert self.next_decoder is not None
        context = torch.cat([features[0], following[0]], dim=1)
        offset: Tensor = self.next_head(self.next_decoder(context, following[1]))
        return offset

    def forward(
        self, inputs: Tensor, data_samples: Sequence[Any] | None = None, mode: str = 'tensor'
    ) -> Any:
        """Return outputs, losses or samples that are filled in.

        Args:
            inputs: Pairs ``(N, 2, 3, H, W)``, or images ``(N, 3, H, W)`` without ``next_frame``;
                with ``mode='predict'`` also videos ``(N, T, 3, H, W)``.
            data_samples: One for each item; with ``mode='loss'`` each has ``gt_targets``.
            mode: ``'tensor'``: the outputs as a tuple, in the order of ``semantic``, ``centre``,
                ``offset``, ``depth``, ``next_offset``; ``'loss'``: a dict of losses;
                ``'predict'``: the samples.
        """
        if mode == 'tensor':
            return tuple(self._outputs(inputs).values())
        if mode == 'loss':
            return self.loss(inputs, data_samples or [])
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        raise UserError(f"mode={mode!r} of ViPDeepLab is not 'tensor', 'loss' or 'predict'")

    def loss(self, inputs: Tensor, data_samples: Sequence[Any]) -> dict[str, Tensor]:
        """Return the losses of inputs as in :meth:`forward`, each a mean over the batch."""
        targets = _stacked(data_samples)
        size = inputs.shape[-2:]
        outputs = {name: enlarge(out, size) for name, out in self._outputs(inputs).items()}
        losses = dict(
            semantic=self.semantic_loss(
                outputs['semantic'], targets['semantic'][:, 0], targets['semantic_weight'][:, 0]
            ),
            centre=mean_of_images(
                (outputs['centre'] - targets['centre']).square(), targets['centre_mask']
            ),
        )
        for name in ('offset', 'next_offset'):
            if name in outputs:
                error = (outputs[name] - targets[name]).abs()
                losses[name] = mean_of_images(error, targets[f'{name}_mask'])
        if 'depth' in outputs:
            losses['depth'] = self.depth_loss(outputs['depth'][:, 0], targets['depth'][:, 0])
        return {f'loss_{name}': self.weights[name] * loss for name, loss in losses.items()}

    def predict(self, inputs: Tensor, data_samples: Sequence[Any] | None = None) -> list[Any]:
        """Fill in ``pred_panoptic_seg.sem_seg`` and ``pred_depth_map.data`` of every frame.

        Both are ``(1, H, W)`` at the size of the sample's ``ori_shape``: codes (see
        :class:`~mmvisx.models.segmentors.vip_deeplab_stream.FrameResult`), and metres.

        Args:
            inputs: Videos ``(N, T, 3, H, W)``, each from its first frame, or images
                ``(N, 3, H, W)``.
            data_samples: One for each; the frames of a video are in ``video_data_samples``.
        """
        videos = inputs if inputs.ndim == 5 else inputs[:, None]
        samples = list(data_samples or [_empty(len(video)) for video in videos])
        for video, sample in zip(videos, samples, strict=True):
            each = sample.video_data_samples if 'video_data_samples' in sample else [sample]
            plain = tuple(video.shape[-2:])
            sizes = [tuple(one.metainfo.get('ori_shape', plain)[:2]) for one in each]
            frames = zip(video, sizes, strict=True)
            for one, result in zip(each, stream(self, frames, self.options), strict=True):
                one.pred_panoptic_seg = PixelData(sem_seg=result.panoptic[None])
                if result.depth is not None:
                    one.pred_depth_map = PixelData(data=result.depth[None])
        return samples

    def _outputs(self, inputs: Tensor) -> dict[str, Tensor]:
        pairs = self.next_decoder is not None
        if inputs.ndim != (5 if pairs else 4) or (pairs and inputs.shape[1] != PAIR):
            wanted = '(N, 2, 3, H, W), pairs of frames' if pairs else '(N, 3, H, W), single images'
            raise UserError(
                f'inputs of ViPDeepLab are {tuple(inputs.shape)} and should be {wanted}: see '
                'next_frame of the model, and the data set'
            )
        if not pairs:
            return self.frame_outputs(self.extract_feat(inputs))
        # Both frames in one run, so that norms see the same statistics.
        high, lows = self.extract_feat(inputs.transpose(0, 1).flatten(0, 1))
        count = len(inputs)
        first = high[:count], [low[:count] for low in lows]
        second = high[count:], [low[count:] for low in lows]
        return {**self.frame_outputs(first), 'next_offset': self.next_offset(first, second)}


def _maps_of_strides(
    wanted: Sequence[int], strides: Sequence[int], channels: Sequence[int]
) -> tuple[int, ...]:
    """Return the numbers of the maps with the ``wanted`` strides.

    Raises:
        UserError: there is no such map in front of the last, or not as many strides as channels.
    """
    finer = list(strides[:-1])
    if len(strides) != len(channels):
        raise UserError(f'in_strides={tuple(strides)}: one for each of in_channels={channels}')
    for stride in wanted:
        if stride not in finer:
            raise UserError(
                f'decoder_strides={tuple(wanted)}: no map of stride {stride} in front of the '
                f'last of in_strides={tuple(strides)}'
            )
    return tuple(finer.index(stride) for stride in wanted)


def _weights(given: Mapping[str, float] | None) -> dict[str, float]:
    unknown = sorted(set(given or {}) - set(WEIGHTS))
    if unknown:
        raise UserError(f'loss_weights of ViPDeepLab has {unknown}; known are {sorted(WEIGHTS)}')
    return {**WEIGHTS, **(given or {})}


def _split(options: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Return a decoder's options, and the channels of its heads."""
    return {k: v for k, v in options.items() if k != 'head_channels'}, options['head_channels']


def _stacked(data_samples: Sequence[Any]) -> dict[str, Tensor]:
    """Return the targets of all samples by name, each ``(N, C, H, W)``.

    Raises:
        UserError: a sample without targets.
    """
    for sample in data_samples:
        if 'gt_targets' not in sample:
            raise UserError(
                f'{sample.metainfo.get("img_path", "a sample")} has no gt_targets: put '
                'mmvisx.GeneratePanopticTargets into the pipeline'
            )
    names = data_samples[0].gt_targets.keys()
    return {name: torch.stack([s.gt_targets.get(name) for s in data_samples]) for name in names}


def _empty(frames: int) -> Any:
    """Return a sample of a video with so many frames."""
    return BaseDataElement(video_data_samples=[BaseDataElement() for _ in range(frames)])
