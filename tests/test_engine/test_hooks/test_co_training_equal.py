"""EqualViewsHook on the batches of segmentors; on those of classifiers: the monitor's tests."""

from types import SimpleNamespace

import torch
from mmengine.registry import MODELS
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from mmseg.utils import register_all_modules

from mmvisx.engine.hooks import EqualViewsHook


def test_label_maps_of_the_first_are_padded_once_for_each():
    images, samples = [torch.full((3, 6, 8), float(k)) for k in range(7)], []
    for k in range(7):
        samples.append(SegDataSample(metainfo=dict(img_shape=(6, 8))))
        if k < 4:  # b_1 and b_2 of two images each, then three without a label map
            samples[-1].gt_sem_seg = PixelData(data=torch.full((1, 6, 8), k))
    batch = dict(inputs=images, data_samples=samples)
    runner = SimpleNamespace(model=SimpleNamespace(views=[None, None]))
    EqualViewsHook().before_train_iter(runner, 0, batch)
    register_all_modules(init_default_scope=False)
    preprocessor = MODELS.build(
        dict(type='mmseg.SegDataPreProcessor', size=(8, 8), pad_val=0, seg_pad_val=255)
    )
    given = preprocessor(batch, True)
    assert given['inputs'][:, 0, 0, 0].tolist() == [0, 1, 0, 1, 4, 5, 6]
    maps = [sample.gt_sem_seg.data for sample in given['data_samples'][:4]]
    assert [each[0, 0, 0].item() for each in maps] == [0, 1, 0, 1]
    assert {tuple(each.shape) for each in maps} == {(1, 8, 8)}
    assert all('gt_sem_seg' not in sample for sample in given['data_samples'][4:])
