"""Frames in, one result a frame out: classes, identities and depth of a whole video.

Letters: K classes, H and W the sides of a result, h and w those of an output of the network. A
*view* is the frame at one scale, mirrored or not; all views are averaged.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mmvisx.models.layers.vip_deeplab_decoder import enlarge
from mmvisx.ops.vip_deeplab_grouping import find_centres, group_frames
from mmvisx.ops.vip_deeplab_stitching import propagate_ids
from mmvisx.utils.errors import UserError

if TYPE_CHECKING:
    from .vip_deeplab import Features, ViPDeepLab

__all__ = ['FrameResult', 'InferenceOptions', 'stream']


@dataclass(frozen=True)
class InferenceOptions:
    """How objects are made of a network's outputs: ``test_cfg`` of :class:`mmvisx.ViPDeepLab`.

    Attributes:
        thing_labels: Which classes are things.
        centre_threshold: A centre's heat is above it.
        centre_window: Side of the square in which a centre is the highest, odd.
        max_centres: Of a frame; the lower ones are left out.
        stuff_share: Classes of stuff that cover a smaller share of a frame are void there.
        reject_distance: Pixels of the next frame whose offset ends farther from every centre, in
            pixels, are no object of this frame.
        tracking: ``'regression'``: the next frame's pixels regress to this frame's centres.
            ``'overlap'``: the objects of two frames are matched by the overlap of their masks
            alone, a baseline, and what is done without a next-frame branch.
        scales: Of the views.
        flip: Add each view mirrored.

    Raises:
        UserError: a value that is not possible.

    Source: 001, 7.3.1.2, 7.3.1.3 and 7.5.2 ("TTA": scales 0.5 to 1.75 by 0.25, and flips).
    """

    thing_labels: Sequence[int] = ()
    centre_threshold: float = 0.1
    centre_window: int = 13
    max_centres: int = 400
    stuff_share: float = 2048 / (1025 * 2049)
    reject_distance: float = math.inf
    tracking: str = 'regression'
    scales: Sequence[float] = (1.0,)
    flip: bool = False
    views: list[tuple[float, bool]] = field(init=False)

    def __post_init__(self) -> None:
        """Check, and list the views."""
        if self.tracking not in ('regression', 'overlap'):
            raise UserError(f"tracking={self.tracking!r} is not 'regression' or 'overlap'")
        if self.centre_window % 2 == 0:
            raise UserError(f'centre_window={self.centre_window} must be odd')
        if not self.scales or min(self.scales) <= 0:
            raise UserError(f'scales={self.scales!r} must be above 0, one at least')
        flips = (False, True) if self.flip else (False,)
        views = [(scale, flip) for scale in self.scales for flip in flips]
        object.__setattr__(self, 'views', views)

    @classmethod
    def of(cls, config: Mapping[str, Any] | None) -> InferenceOptions:
        """Return the options of a ``test_cfg``.

        Raises:
            UserError: an option that there is not.
        """
        given = dict(config or {})
        known = sorted(set(cls.__dataclass_fields__) - {'views'})
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise UserError(f'test_cfg of ViPDeepLab has {unknown}; known are {known}')
        return cls(**given)


@dataclass(frozen=True)
class FrameResult:
    """Of one frame.

    Attributes:
        panoptic: Codes, class + 1000 x id, 255 where nothing is; ``(H, W)`` int64. Ids are those
            of the video, 0 of stuff.
        depth: Metres, ``(H, W)`` float32; ``None`` without a depth head.
        centres: Of the objects found in this frame, ``(N, 2)`` (y, x).
        offsets: From the pixels to the centres, ``(2, H, W)``.
        next_panoptic: What this frame says of the next one, R_t, with the same ids, ``(H, W)``;
            ``None`` of the last frame, and with ``tracking='overlap'``.
    """

    panoptic: Tensor
    depth: Tensor | None
    centres: Tensor
    offsets: Tensor
    next_panoptic: Tensor | None


@dataclass(frozen=True)
class _Frame:
    """What is kept of a frame until the next one has been seen."""

    features: list[Features]
    shapes: list[tuple[int, int]]
    size: tuple[int, int]
    classes: Tensor
    centre: Tensor
    offset: Tensor
    depth: Tensor | None


@torch.no_grad()
def stream(
    model: ViPDeepLab,
    frames: Iterable[tuple[Tensor, tuple[int, int]]],
    options: InferenceOptions,
) -> Iterator[FrameResult]:
    """Yield the result of each frame as soon as the next one has been seen.

    Each frame passes through the backbone once, and two of them are kept at a time: memory does
    not grow with the video.

    Args:
        model: In evaluation mode.
        frames: Of one video, in order: an image ``(3, h, w)`` as the preprocessor makes it, and
            the size (H, W) that its result is to have.
        options: How objects are made.
    """
    before: Tensor | None = None
    free, last = 1, None
    regress = model.next_decoder is not None and options.tracking == 'regression'
    for image, size in frames:
        current = _look(model, image, size, options)
        if last is not None:
            result, before, free = _resolve(
                model, last, current if regress else None, before, free, options
            )
            yield result
        last = current
    if last is not None:
        yield _resolve(model, last, None, before, free, options)[0]


def _look(
    model: ViPDeepLab, image: Tensor, size: tuple[int, int], options: InferenceOptions
) -> _Frame:
    """Run a frame's views through the network, and average what each says of the frame itself."""
    features, shapes = [], []
    sums: dict[str, Tensor] = {}
    for scale, flip in options.views:
        view = image[None]
        if scale != 1:
            height, width = (max(1, round(side * scale)) for side in image.shape[1:])
            view = enlarge(view, (height, width))
        if flip:
            view = view.flip(3)
        shape = (int(view.shape[2]), int(view.shape[3]))
        found = model.extract_feat(view)
        features.append(found)
        shapes.append(shape)
        outputs = model.frame_outputs(found)
        maps = dict(
            semantic=_upright(outputs['semantic'], size, flip).softmax(dim=0),
            centre=_upright(outputs['centre'], size, flip)[0],
            offset=_upright_offset(outputs['offset'], shape, size, flip),
        )
        if model.depth_head is not None:
            logits = _upright(outputs['depth'], size, flip)[0]
            # What is enlarged looks nearer.
            maps['depth'] = model.depth_head.metres(logits) * (shape[0] / size[0])
        for name, value in maps.items():
            sums[name] = sums[name] + value if name in sums else value
    count = len(options.views)
    return _Frame(
        features,
        shapes,
        size,
        sums['semantic'].argmax(dim=0),
        sums['centre'] / count,
        sums['offset'] / count,
        sums['depth'] / count if 'depth' in sums else None,
    )


def _resolve(
    model: ViPDeepLab,
    frame: _Frame,
    following: _Frame | None,
    before: Tensor | None,
    free: int,
    options: InferenceOptions,
) -> tuple[FrameResult, Tensor, int]:
    """Make objects of a frame and the next one, with ids of the video."""
    centres = find_centres(
        frame.centre, options.centre_threshold, options.centre_window, options.max_centres
    )
    classes, offsets = [frame.classes], [frame.offset]
    if following is not None:
        if following.size != frame.size:
            raise UserError(
                f'frames of one video have the sizes {frame.size} and {following.size}: bring '
                'them to one size'
            )
        classes.append(following.classes)
        offsets.append(_next_offset(model, frame, following, options))
    codes = group_frames(
        classes,
        offsets,
        centres,
        options.thing_labels,
        round(options.stuff_share * frame.classes.numel()),
        options.reject_distance,
    )
    codes, free = propagate_ids(codes, before, free)
    result = FrameResult(
        codes[0], frame.depth, centres, frame.offset, codes[1] if len(codes) > 1 else None
    )
    return result, codes[-1], free


def _next_offset(
    model: ViPDeepLab, frame: _Frame, following: _Frame, options: InferenceOptions
) -> Tensor:
    """Return the mean of the views' offsets of the next frame's pixels, ``(2, H, W)``."""
    total: Tensor | float = 0.0
    for (_, flip), shape, first, second in zip(
        options.views, frame.shapes, frame.features, following.features, strict=True
    ):
        total = total + _upright_offset(model.next_offset(first, second), shape, frame.size, flip)
    mean: Tensor = total / len(options.views)  # type: ignore[assignment]
    return mean


def _upright(maps: Tensor, size: tuple[int, int], flip: bool) -> Tensor:
    """Return maps ``(1, C, h, w)`` of a view as those of the result, ``(C, H, W)``."""
    whole = enlarge(maps.float(), size)[0]
    return whole.flip(2) if flip else whole


def _upright_offset(
    maps: Tensor, shape: tuple[int, int], size: tuple[int, int], flip: bool
) -> Tensor:
    """The same of offsets, which are pixels of the view."""
    y, x = _upright(maps, size, flip)
    x = -x if flip else x
    return torch.stack([y * (size[0] / shape[0]), x * (size[1] / shape[1])])
