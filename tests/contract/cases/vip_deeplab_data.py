"""Contract cases of vip_deeplab: clips, and what changes their frames."""

import numpy as np

from tests.contract.case import DatasetCase, TransformCase
from tests.contract.samples import SIZE, picture
from tests.helpers.vip_deeplab_clips import write_clips


def pairs(folder):
    """Two clips of three frames."""
    return write_clips(folder)


def rendered(folder):
    """The same, with the classes of rendered clips."""
    return {key: value for key, value in pairs(folder).items() if key != 'metainfo'}


DATASETS = {
    'DVPSDataset': DatasetCase(pairs, 4, ('car', 'road', 'sky')),
    'ShapesVideoDataset': DatasetCase(rendered, 4, 8),
}


def file_pair(folder):
    """What the data set gives of a pair."""
    write_clips(folder)
    keys = ('leftImg8bit', 'gtFine_instanceTrainIds', 'depth')
    results = dict(layout='cityscapes', num_classes=3, thing_labels=(0,))
    for prefix, number in (('', 0), ('next_', 1)):
        image, labels, depth = (
            str(folder / f'000000_{number:06d}_shapes_{key}.png') for key in keys
        )
        results[f'{prefix}img_path'] = image
        results[f'{prefix}label_paths'] = [labels]
        results[f'{prefix}depth_path'] = depth
    return results


ARRAYS = frozenset(
    f'{prefix}{kind}'
    for prefix in ('', 'next_')
    for kind in ('img', 'gt_panoptic_map', 'gt_depth_map')
)


def loaded_pair(folder):
    """The same, loaded."""
    codes = (np.arange(SIZE[0] * SIZE[1]).reshape(SIZE) // 40 % 3 * 1000).astype(np.int32)
    return dict(
        img_path='0.png',
        img=picture(0),
        next_img=picture(1),
        gt_panoptic_map=codes,
        next_gt_panoptic_map=codes[::-1].copy(),
        gt_depth_map=np.linspace(1, 9, codes.size, dtype=np.float32).reshape(SIZE),
        next_gt_depth_map=np.linspace(9, 1, codes.size, dtype=np.float32).reshape(SIZE),
        img_shape=SIZE,
        ori_shape=SIZE,
    )


CHANGED = ARRAYS | {'img_shape'}
TRANSFORMS = {
    'LoadPanopticFrames': TransformCase({}, file_pair, CHANGED | {'ori_shape'}),
    'RandomFrameScale': TransformCase({}, loaded_pair, CHANGED | {'scale_factor'}),
    'RandomFrameCrop': TransformCase(dict(size=(12, 40), pad=True), loaded_pair, CHANGED),
    'RandomFrameFlip': TransformCase({}, loaded_pair, CHANGED | {'flip'}),
    'RandomFrameRotation': TransformCase({}, loaded_pair, CHANGED),
    'PackPanopticFrames': TransformCase({}, loaded_pair, packs=True),
    'FrameAutoAugment': TransformCase({}, loaded_pair, frozenset({'img', 'next_img'})),
}
