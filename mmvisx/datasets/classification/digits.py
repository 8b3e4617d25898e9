"""scikit-learn's handwritten digits as class folders."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mmvisx.utils.errors import UserError

__all__ = ['write_digits']


def write_digits(out: str | Path) -> tuple[int, int]:
    """Write ``out/{train,test}/{digit}/{index}.png`` and return the numbers of images.

    The 1,797 images are 8x8 and grey, with 17 levels, spread over 0 to 255. Of each digit every
    fourth image goes to ``test``, so that the split is fixed and balanced: 1,352 + 445 images.

    Args:
        out: Folder to make; files of the same names are overwritten with the same content.

    Raises:
        UserError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise UserError(
            'scikit-learn, which contains the digits, is not installed: pip install scikit-learn'
        ) from error
    digits = load_digits()
    counts = {'train': 0, 'test': 0}
    for label in range(10):
        for place, index in enumerate(np.flatnonzero(digits.target == label)):
            part = 'test' if place % 4 == 3 else 'train'
            folder = Path(out) / part / str(label)
            folder.mkdir(parents=True, exist_ok=True)
            picture = np.rint(digits.images[index] * 255 / 16).astype(np.uint8)
            cv2.imwrite(str(folder / f'{index:04d}.png'), picture)
            counts[part] += 1
    return counts['train'], counts['test']
