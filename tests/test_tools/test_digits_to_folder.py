"""scikit-learn's digits as folders: nothing lost, balanced, readable as a data set."""

import cv2
import numpy as np
from sklearn.datasets import load_digits

from mmvisx.datasets import ImageFolder


def test_folders_hold_the_digits(tool, tmp_path, capsys):
    assert tool('tools/datasets/digits_to_folder.py', '--out', tmp_path) == 0
    assert '1352 training and 445 test images' in capsys.readouterr().out
    digits = load_digits()
    seen = set()
    for part in ('train', 'test'):
        data = ImageFolder(data_root=str(tmp_path), data_prefix=part, num_classes=10)
        labels = np.bincount([item['gt_label'] for item in data])
        assert labels.min() > 0.9 * labels.max()
        for item in data:
            index = int(item['img_path'][-8:-4])
            picture = cv2.imread(item['img_path'], cv2.IMREAD_GRAYSCALE)
            assert item['gt_label'] == digits.target[index]
            assert (np.rint(picture / 255 * 16) == digits.images[index]).all()
            seen.add(index)
    assert len(seen) == len(digits.target)
