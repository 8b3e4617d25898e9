"""What inferencers return, in types: plain values, as they are written to JSON.

Vocabulary: N objects of an image, ``(H, W)`` its size in pixels.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import NotRequired, TypedDict

__all__ = [
    'ClassPrediction',
    'Detections',
    'ImagePrediction',
    'Picture',
    'Results',
    'RunLengths',
    'SegmentationMaps',
]

# RGB, ``(H, W, 3)``.
Picture = NDArray[np.uint8]


class RunLengths(TypedDict):
    """A mask in COCO's compressed run lengths."""

    size: list[int]  # H, W
    counts: str


class ImagePrediction(TypedDict):
    """What is known of every image: its path, ``None`` of an array."""

    img_path: str | None


class Detections(ImagePrediction):
    """Objects of an image; the lists have N entries."""

    height: int
    width: int
    labels: list[int]
    label_names: list[str]
    scores: list[float]  # 0 to 1
    bboxes: list[list[float]]  # x1, y1, x2, y2 in pixels
    masks: NotRequired[list[RunLengths]]  # from models with masks


class ClassPrediction(ImagePrediction):
    """The likeliest classes of an image, the best first."""

    labels: list[int]
    label_names: list[str]
    scores: list[float]  # 0 to 1
    known: NotRequired[bool]  # of taught classifiers: whether it shows one of the classes


class SegmentationMaps(ImagePrediction):
    """The class of each pixel, ``(H, W)``, by the name of the task, '' of the only one."""

    labels: dict[str, NDArray[np.uint8]]


P = TypeVar('P', bound=ImagePrediction)


class Results(TypedDict, Generic[P]):
    """Of all images of a call; the pictures where they were asked for."""

    predictions: list[P]
    visualization: list[Picture]
