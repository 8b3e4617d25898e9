"""Clips with classes, tracks and depth: pairs of frames to train on, whole clips to test on."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from mmdet.structures import TrackDataSample
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from mmseg.datasets import CityscapesDataset

from mmvisx.datasets.shapes_video.world import VIDEO_CLASSES, VIDEO_PALETTE, VIDEO_THINGS
from mmvisx.registry import DATASETS
from mmvisx.utils.errors import UserError

from .vip_deeplab_files import LAYOUTS, find_clips

__all__ = ['DVPSDataset', 'ShapesVideoDataset']

_CITYSCAPES_THINGS = CityscapesDataset.METAINFO['classes'][11:]
# SemanticKITTI's classes less one, in their order, moving and still ones merged
_SEMKITTI = (
    *('car', 'bicycle', 'motorcycle', 'truck', 'other-vehicle', 'person', 'bicyclist'),
    *('motorcyclist', 'road', 'parking', 'sidewalk', 'other-ground', 'building', 'fence'),
    *('vegetation', 'trunk', 'terrain', 'pole', 'traffic-sign'),
)


@DATASETS.register_module()
class DVPSDataset(BaseDataset):
    """Cityscapes-DVPS, SemKITTI-DVPS or data in their layouts.

    To train on, an item is a pair of frames t and t + ``gap`` of a clip, the second one's keys
    with ``next_`` before them, or with ``gap=None`` a single frame. To test on (``test_mode``),
    an item is a clip: the pipeline runs on each frame, ``inputs`` are ``(T, 3, H, W)`` and
    ``data_samples`` a ``TrackDataSample``; without packing, ``frames`` is a list.

    Args:
        data_root: Before ``folder`` and ``ann_file``.
        folder: With the files of all clips.
        ann_file: List of frames, ``SSSSSS_FFFFFF`` a line; by default all of the folder.
        layout: ``'cityscapes'``: ``SSSSSS_FFFFFF_city_..._{leftImg8bit,gtFine_instanceTrainIds,
            depth}.png``; ``'semkitti'``: ``SSSSSS_FFFFFF_{leftImg8bit,gtFine_class,
            gtFine_instance}.png`` and ``..._depth_{focal}.png``.
        gap: Frames from the first to the second of a pair.
        with_depth: Whether there is depth.
        metainfo: ``classes``, ``thing_classes`` and ``palette``; by default the layout's.
        **kwargs: Of MMEngine's ``BaseDataset``: ``pipeline``, ``test_mode``, ``indices``.

    Raises:
        UserError: An argument is wrong, a frame or map is missing, frames are out of order, or a
            clip has no pair.

    Source: 001, 7.3.1.2, 7.4.1, 7.4.2 and Figure 7-5.
    """

    METAINFO: ClassVar[dict] = {}
    LAYOUT_METAINFO: ClassVar[dict[str, dict]] = {
        'cityscapes': {**CityscapesDataset.METAINFO, 'thing_classes': _CITYSCAPES_THINGS},
        'semkitti': {'classes': _SEMKITTI, 'thing_classes': _SEMKITTI[:8]},
    }

    def __init__(
        self,
        data_root: str = '',
        folder: str = '',
        ann_file: str = '',
        layout: str = 'cityscapes',
        gap: int | None = 1,
        with_depth: bool = True,
        metainfo: dict | None = None,
        **kwargs: Any,
    ) -> None:
        if layout not in LAYOUTS:
            raise UserError(f'DVPSDataset: layout={layout!r} must be one of {", ".join(LAYOUTS)}')
        if gap is not None and gap < 1:
            raise UserError(f'DVPSDataset: gap={gap} must be at least 1, or None for single frames')
        self.folder = os.path.join(data_root, folder)
        self.layout, self.gap, self.with_depth = layout, gap, with_depth
        # What the class or the config does not say is the layout's.
        meta = {**(self.METAINFO or self.LAYOUT_METAINFO[layout]), **(metainfo or {})}
        strange = set(meta['thing_classes']) - set(meta['classes'])
        if strange:
            raise UserError(
                f'DVPSDataset: thing_classes of metainfo has {sorted(strange)[0]!r}, which is not '
                'in classes'
            )
        super().__init__(ann_file=ann_file, metainfo=meta, data_root=data_root, **kwargs)

    @property
    def thing_labels(self) -> tuple[int, ...]:
        """Numbers of the classes that are things."""
        things = self.metainfo['thing_classes']
        return tuple(k for k, name in enumerate(self.metainfo['classes']) if name in things)

    def load_data_list(self) -> list[dict]:
        """List pairs, frames or clips."""
        names = self._names() if self.ann_file else None
        clips = find_clips(self.folder, self.layout, self.with_depth, names)
        shared = dict(
            layout=self.layout,
            thing_labels=self.thing_labels,
            num_classes=len(self.metainfo['classes']),
        )
        clips = [[dict(frame, **shared) for frame in frames] for frames in clips]
        data = self._items(clips)
        count = sum(map(len, clips))
        print_log(
            f'{self.folder}: {len(clips)} clips, {count} frames, {len(data)} items',
            'current',
            logging.INFO,
        )
        return data

    def _names(self) -> list[str]:
        try:
            with open(self.ann_file, encoding='utf-8') as file:
                return [line.strip() for line in file if line.strip()]
        except OSError as error:
            raise UserError(
                f'ann_file {self.ann_file}, the list of frames, cannot be read: {error.strerror}'
            ) from error

    def _items(self, clips: Sequence[list[dict]]) -> list[dict]:
        if self.test_mode:
            return [
                dict(video_id=frames[0]['video_id'], img_path=frames[0]['img_path'], frames=frames)
                for frames in clips
            ]
        if self.gap is None:
            return [frame for frames in clips for frame in frames]
        items = []
        for frames in clips:
            if len(frames) <= self.gap:
                raise UserError(
                    f'clip {frames[0]["video_id"]} of {self.folder} has {len(frames)} frames, a '
                    f'pair with gap={self.gap} needs {self.gap + 1}: leave it out of ann_file, or '
                    'set a smaller gap (None for single frames)'
                )
            for frame, following in zip(frames, frames[self.gap :], strict=False):
                after = {
                    f'next_{key}': following[key]
                    for key in ('img_path', 'label_paths', 'depth_path')
                }
                items.append(dict(frame, gap=self.gap, **after))
        return items

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline, on a clip frame by frame."""
        info = self.get_data_info(idx)
        if 'frames' not in info:
            return self.pipeline(info)
        frames = [self.pipeline(frame) for frame in info['frames']]
        if not all('inputs' in frame for frame in frames):
            return dict(info, frames=frames)
        _check_sizes(info['frames'], frames)
        sample = TrackDataSample(metainfo={k: info[k] for k in ('video_id', 'img_path')})
        sample.video_data_samples = [frame['data_samples'] for frame in frames]
        return dict(inputs=torch.stack([f['inputs'] for f in frames]), data_samples=sample)


def _check_sizes(infos: Sequence[dict], frames: Sequence[dict]) -> None:
    first = tuple(frames[0]['inputs'].shape[1:])
    for info, frame in zip(infos, frames, strict=True):
        size = tuple(frame['inputs'].shape[1:])
        if size != first:
            raise UserError(
                f'{info["img_path"]} has {size} pixels (height, width), the first frame of its '
                f'clip, {infos[0]["img_path"]}, {first}: a clip has one size'
            )


@DATASETS.register_module()
class ShapesVideoDataset(DVPSDataset):
    """The clips of ``tools/datasets/make_shapes_video.py``.

    Source: 001, chapter 7, in the place of its data sets.
    """

    METAINFO: ClassVar[dict] = {
        'classes': VIDEO_CLASSES,
        'thing_classes': VIDEO_THINGS,
        'palette': VIDEO_PALETTE,
    }
