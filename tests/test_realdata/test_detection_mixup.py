"""Mixup of photographs: every object of both, where it was, crowds and difficult ones included."""

import numpy as np
import pytest
from mmdet.datasets import MultiImageMixDataset
from mmdet.utils import register_all_modules

pytestmark = pytest.mark.realdata

LOAD = [
    {'type': 'mmvisx.LoadImageFromFile'},
    {'type': 'mmvisx.LoadAnnotations', 'with_bbox': True, 'with_mask': True},
]


@pytest.fixture(params=['coco', 'voc'])
def data(request, realdata):
    register_all_modules(init_default_scope=True)
    if request.param == 'coco':
        return {
            'type': 'mmvisx.CocoDataset',
            'data_root': str(realdata / 'coco128'),
            'ann_file': 'annotations/instances_train2017.json',
            'data_prefix': {'img': 'train2017/'},
            'pipeline': LOAD,
        }
    return {
        'type': 'mmvisx.VOCDataset',
        'data_root': str(realdata / 'voc2012_det100' / 'VOCdevkit'),
        'ann_file': 'VOC2012/ImageSets/Main/train.txt',
        'data_prefix': {'sub_data_root': 'VOC2012/'},
        'pipeline': [LOAD[0], {'type': 'mmvisx.LoadAnnotations', 'with_bbox': True}],
    }


def test_all_objects_of_both_photographs(data):
    np.random.seed(0)
    pack = {'type': 'mmvisx.PackDetInputs'}
    dataset = MultiImageMixDataset(data, [{'type': 'mmvisx.DetectionMixUp'}, pack])
    plain = dataset.dataset
    places = {plain.get_data_info(i)['img_path']: i for i in range(len(plain))}
    # The photographs that have crowds (difficult objects, in VOC), and some that have none.
    marked = [
        i
        for i in range(len(plain))
        if any(item['ignore_flag'] for item in plain.get_data_info(i)['instances'])
    ]
    assert len(marked) > 3
    for index in [*marked[:6], *range(10)]:
        mixed = dataset[index]
        sample = mixed['data_samples']
        assert sample.mixup_partner != sample.img_path
        ratio = np.float32(sample.mixup_ratio)
        pair = [plain[index], plain[places[sample.mixup_partner]]]
        shape = np.max([item['img'].shape for item in pair], axis=0)
        expected = np.zeros(shape)
        for item, share in zip(pair, (ratio, 1 - ratio), strict=True):
            height, width = item['img'].shape[:2]
            expected[:height, :width] += share * item['img'].astype(float)
        assert np.abs(mixed['inputs'].numpy().transpose(1, 2, 0) - expected).max() < 0.51
        for ignored, instances in enumerate((sample.gt_instances, sample.ignored_instances)):
            chosen = [item['gt_ignore_flags'] == ignored for item in pair]
            boxes = [
                item['gt_bboxes'].tensor[flags] for item, flags in zip(pair, chosen, strict=True)
            ]
            assert np.array_equal(instances.bboxes.tensor, np.concatenate(boxes))
            weights = np.repeat([ratio, 1 - ratio], [len(box) for box in boxes])
            assert np.allclose(instances.weights, weights, atol=1e-6)
            if 'masks' in instances:
                both = instances.masks.masks
                masks = [
                    item['gt_masks'].masks[flags] for item, flags in zip(pair, chosen, strict=True)
                ]
                assert both.shape == (len(weights), *shape[:2])
                assert both.sum((1, 2)).tolist() == [int(m.sum()) for part in masks for m in part]
