"""Small clips in the layouts of Cityscapes-DVPS and SemKITTI-DVPS."""

import cv2
import numpy as np

CLASSES = ('car', 'road', 'sky')
SIZE = (12, 20)  # height, width


def frame(clip, number, size=SIZE):
    """Image, classes, ids and depth x 256: a car that moves on a road, a crowd, void, a sky."""
    image = np.random.default_rng([clip, number]).integers(0, 255, (*size, 3), np.uint8)
    labels, ids = np.ones(size, np.uint8), np.zeros(size, np.uint16)
    labels[:3] = 2
    labels[5:9, 2 + number : 7 + number] = 0
    ids[5:9, 2 + number : 7 + number] = 4
    labels[4:6, 14:18] = 0  # a crowd
    labels[9, :5] = 255
    depth = np.zeros(size, np.uint16)
    depth[3:] = 256 * np.linspace(20, 4, size[0] - 3)[:, None]
    depth[5:9, 2 + number : 7 + number] = 1500 + number
    return image, labels, ids, depth


def write(path, array):
    """Write a PNG or TIFF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), array)


def write_clips(folder, layout='cityscapes', clips=2, frames=3):
    """Write clips; return the arguments of a data set, which has three classes."""
    for clip in range(clips):
        for number in range(frames):
            image, labels, ids, depth = frame(clip, number)
            stem = folder / f'{clip:06d}_{number:06d}'
            if layout == 'cityscapes':
                stem = stem.with_name(f'{stem.name}_shapes')
                codes = np.where(labels == 255, 32000, labels.astype(int) * 1000 + ids)
                write(
                    stem.with_name(f'{stem.name}_gtFine_instanceTrainIds.png'), codes.astype('u2')
                )
                write(stem.with_name(f'{stem.name}_depth.png'), depth)
            else:
                write(stem.with_name(f'{stem.name}_gtFine_class.png'), labels)
                write(stem.with_name(f'{stem.name}_gtFine_instance.png'), ids)
                write(stem.with_name(f'{stem.name}_depth_721.5377.png'), depth)
            write(stem.with_name(f'{stem.name}_leftImg8bit.png'), image)
    meta = dict(classes=CLASSES, thing_classes=('car',))
    return dict(data_root=str(folder), layout=layout, metainfo=meta)
