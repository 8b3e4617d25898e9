"""The cropped house numbers of SVHN, as they are published."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from mmpretrain.datasets import BaseDataset

from mmvisx.registry import DATASETS
from mmvisx.utils.errors import UserError

__all__ = ['SVHN', 'read_svhn']

SPLITS = ('train', 'test', 'extra')


@DATASETS.register_module()
class SVHN(BaseDataset):
    """SVHN's second format: 32x32 pixels, the label is the digit in the middle.

    Images come in the order red, green, blue. They stay in memory: 225 MB for training.

    Args:
        data_root: Folder of ``train_32x32.mat``, ``test_32x32.mat`` and ``extra_32x32.mat``.
        split: ``'train'``, ``'test'`` or ``'extra'``.
        **kwargs: Of mmpretrain's ``BaseDataset``.

    Raises:
        UserError: there is no such split, or see :func:`read_svhn`.

    Source: 001, 3.2.5.1; Netzer et al., "Reading Digits in Natural Images with Unsupervised
    Feature Learning".
    """

    METAINFO: ClassVar[dict] = dict(classes=tuple('0123456789'))

    def __init__(self, data_root: str, split: str = 'train', **kwargs: Any) -> None:
        if split not in SPLITS:
            raise UserError(f'split={split!r} of SVHN should be one of {", ".join(SPLITS)}')
        self.split = split
        super().__init__(ann_file='', data_root=data_root, **kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Return image and label of all images."""
        images, labels = read_svhn(Path(self.data_root) / f'{self.split}_32x32.mat')
        return [dict(img=x, gt_label=int(y)) for x, y in zip(images, labels, strict=True)]


def read_svhn(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a file of SVHN's second format.

    Returns:
        Images ``(N, 32, 32, 3)`` uint8, and the digits they show, ``(N,)`` int64; the file has 10
        for 0.

    Raises:
        UserError: there is no such file, it cannot be read (a download that was cut short), or it
            holds something else.
    """
    from scipy.io import loadmat

    where = 'http://ufldl.stanford.edu/housenumbers'
    if not Path(path).is_file():
        raise UserError(f'{path} does not exist: download it from {where}')
    try:
        content = loadmat(path, variable_names=('X', 'y'))
    except Exception as error:  # scipy and zlib raise whatever the missing bytes lead to
        raise UserError(
            f'{path} cannot be read ({type(error).__name__}: {error}), its '
            f'{Path(path).stat().st_size} bytes may not be all: download it again from {where}'
        ) from error
    images, labels = content.get('X', np.empty(0)), content.get('y', np.empty(0)).ravel()
    count = images.shape[-1]
    if images.shape != (32, 32, 3, count) or images.dtype != np.uint8 or labels.shape != (count,):
        raise UserError(
            f"{path} has X {images.shape} {images.dtype} and y {labels.shape}; of SVHN's cropped "
            'digits they are (32, 32, 3, N) uint8 and (N, 1)'
        )
    wrong = labels[(labels < 1) | (labels > 10)]
    if len(wrong):
        raise UserError(f'{path} has the label {wrong[0]}; labels go from 1 to 10, which is the 0')
    return images.transpose(3, 0, 1, 2).copy(), labels.astype(np.int64) % 10
