"""Find images that do not fit into a batch before PyTorch does, which knows no names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmvisx.utils.errors import UserError

__all__ = ['OneSize']


class OneSize:
    """Compare each image with the one before."""

    def __init__(self) -> None:
        self._latest: tuple[Any, str] | None = None  # shape and path

    def __call__(self, sample: Mapping[str, Any], path: str) -> None:
        """Look at an image.

        Args:
            sample: What a pipeline gives, with ``inputs`` ``(C, H, W)`` when it has packed them.
            path: What the image is called in the message.

        Raises:
            UserError: it has another size than the one before.
        """
        shape: Any = getattr(sample.get('inputs'), 'shape', None)
        before, self._latest = self._latest or (shape, path), (shape, path)
        if shape != before[0]:
            one, other = (f'{s[-1]}x{s[-2]}' for s in (shape, before[0]))
            raise UserError(
                f'images of a batch need one size: {path} is {one}, {before[1]} {other}. Put '
                'Resize or RandomCrop into the pipeline'
            )
