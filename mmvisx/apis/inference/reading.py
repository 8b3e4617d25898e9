"""From a path or an array to what the network gets: the test pipeline of a config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from mmdet.datasets.transforms import LoadImageFromNDArray
from mmengine.config import Config
from mmengine.dataset import Compose

from mmvisx.apis.build import build_test_pipeline
from mmvisx.datasets.image_file import vanishing
from mmvisx.datasets.transforms import LoadImageFromFile
from mmvisx.utils.errors import UserError

__all__ = ['Reader', 'Sample']


@dataclass
class Sample:
    """An image on its way through the network.

    Attributes:
        name: For messages.
        path: ``None`` for an array.
        picture: To draw on, RGB ``(H, W, 3)`` uint8, if it will be drawn on.
        data: What the test pipeline made of it.
        shape: Of the image as the network gets it, ``(C, H', W')``.
    """

    name: str
    path: str | None
    picture: np.ndarray | None
    data: dict[str, Any]
    shape: torch.Size


class Reader:
    """The test pipeline of a config, for image files and for arrays.

    Args:
        cfg: With ``test_dataloader``.

    Raises:
        UserError: The config has no test pipeline, or one that reads no image file.
    """

    def __init__(self, cfg: Config) -> None:
        steps = build_test_pipeline(cfg).transforms
        place = next((k for k, s in enumerate(steps) if isinstance(s, LoadImageFromFile)), None)
        if place is None:
            raise UserError(
                'the test pipeline of the config has no LoadImageFromFile: it is for data that are '
                'in memory and not for image files'
            )
        self._from_file = steps[place]
        self._from_file.ignore_empty = False  # a broken file is named
        self._from_array = LoadImageFromNDArray(to_float32=self._from_file.to_float32)
        self._steps = steps[place + 1 :]
        self._prepare = Compose(self._steps)

    def __call__(self, image: str | np.ndarray, name: str, drawn: bool) -> Sample:
        """Read and prepare an image.

        Args:
            image: Path, or ``(H, W, 3)`` uint8 BGR.
            name: Of an array, for messages.
            drawn: Whether the image itself will be needed, too.

        Raises:
            UserError: The file is missing or broken, or scaling leaves nothing of the image.
        """
        path = image if isinstance(image, str) else None
        if isinstance(image, str):
            loaded = self._from_file(dict(img_path=image))
        else:
            if self._from_file.color_type == 'grayscale':
                image = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
            loaded = self._from_array(dict(img=image))
        height, width = loaded['img'].shape[:2]
        fault = vanishing(width, height, self._steps)
        if fault is not None:
            raise UserError(f'image {path or name} {fault}')
        picture = _as_picture(loaded['img']) if drawn else None
        data = self._prepare(loaded)
        return Sample(path or name, path, picture, data, data['inputs'].shape)


def _as_picture(image: np.ndarray) -> np.ndarray:
    """Return an image as a pipeline loads it, BGR, BGRA or grey, as RGB ``(H, W, 3)`` uint8."""
    image = np.atleast_3d(image)[..., :3].astype(np.uint8)
    if image.shape[2] == 1:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    return np.ascontiguousarray(image[..., ::-1])
