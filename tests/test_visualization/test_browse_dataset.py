import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmdet.utils import register_all_modules
from mmdet.visualization import DetLocalVisualizer
from mmengine.config import Config
from mmengine.structures import InstanceData, PixelData

from mmvisx.cli.analysis.browse_dataset import browse
from mmvisx.utils import UserError
from mmvisx.visualization.browse_dataset import draw_sample, to_picture


@pytest.fixture
def texts(monkeypatch):
    """What is written into pictures."""
    written = []
    monkeypatch.setattr(
        DetLocalVisualizer, 'draw_texts', lambda self, texts, *_, **__: written.append(texts)
    )
    return written


@pytest.fixture
def visualizer():
    visualizer = DetLocalVisualizer()
    visualizer.dataset_meta = {'classes': ('box', 'disc'), 'palette': [(255, 0, 0), (0, 0, 255)]}
    return visualizer


def packed(weights=None, ignored=False, seg_map=None):
    sample = DetDataSample()
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[10.0, 10, 30, 30], [40, 10, 60, 40]]), labels=torch.tensor([1, 0])
    )
    if weights is not None:
        sample.gt_instances.weights = torch.tensor(weights)
    boxes = torch.tensor([[2.0, 45, 70, 58]])[: int(ignored)]
    sample.ignored_instances = InstanceData(bboxes=boxes, labels=torch.zeros(len(boxes)))
    if seg_map is not None:
        sample.gt_sem_seg = PixelData(sem_seg=torch.from_numpy(seg_map)[None])
    return {'inputs': torch.full((3, 60, 80), 200, dtype=torch.uint8), 'data_samples': sample}


@pytest.mark.parametrize(
    ('weights', 'expected'),
    [
        ([0.801, 0.199], ['disc w=0.80', 'box w=0.20']),
        ([1.0, 1.0], ['disc', 'box']),
        (None, ['disc', 'box']),
    ],
)
def test_weights_stand_behind_the_names(weights, expected, visualizer, texts):
    data = packed(weights)
    picture = draw_sample(data, visualizer)
    assert texts == expected
    assert picture.shape == (60, 80, 3)
    changed = (picture != 200).any(axis=2)
    assert changed[10:31, 10:31].any()
    assert not changed[45:].any()
    assert 'scores' not in data['data_samples'].gt_instances  # the sample stays as it is


def test_a_mixed_image_says_how_and_with_what(visualizer, texts, monkeypatch):
    written, write = [], cv2.putText

    def record(picture, text, *args):
        written.append(text)
        return write(picture, text, *args)

    monkeypatch.setattr(cv2, 'putText', record)
    data = packed([0.801, 0.199], seg_map=np.ones((60, 80), np.uint8))
    plain = draw_sample(data, visualizer)
    assert written == []
    data['data_samples'].set_metainfo(dict(mixup_ratio=0.8012, mixup_partner='/a/b/partner.jpg'))
    drawn = draw_sample(data, visualizer)
    assert written == ['mixup, lambda=0.80', 'with partner.jpg']
    assert np.array_equal(drawn[:60, :80], plain[:, :80])
    assert (drawn[60:].min(axis=2) < 128).any()  # the text
    assert len(drawn) > 60 + 2 * 12


def test_ignored_boxes_are_grey(visualizer, texts):
    drawn = draw_sample(packed(ignored=True), visualizer)
    below = drawn[45:]
    changed = below[(below != 200).any(axis=2)]
    assert len(changed)
    assert (np.ptp(changed.astype(int), axis=1) <= 2).all()
    assert len(texts) == 2


def test_semantic_map_stands_to_the_right(visualizer, texts):
    seg_map = np.full((60, 80), 255, np.uint8)
    seg_map[:30, :40], seg_map[:30, 40:] = 1, 182
    drawn = draw_sample(packed(seg_map=seg_map), visualizer)
    assert drawn.shape == (60, 160, 3)
    right = drawn[:, 80:]
    assert (right[30:] == 0).all()
    assert len(np.unique(right[:30].reshape(-1, 3), axis=0)) == 2


def test_pictures_of_floats_and_of_grey_and_four_channels():
    image = torch.tensor([-3.0, 20.4, 300.0]).reshape(3, 1, 1)
    assert to_picture(image).tolist() == [[[255, 20, 0]]]
    assert to_picture(image[:1] + 10).tolist() == [[[7, 7, 7]]]
    assert to_picture(torch.cat([image, image[:1]])).tolist() == [[[255, 20, 0]]]
    with pytest.raises(UserError, match='2 channels'):
        to_picture(image[:2])


def test_other_samples():
    with pytest.raises(UserError, match=r'should load boxes and end with mmvisx\.PackDetInputs'):
        draw_sample({'inputs': torch.zeros(3, 4, 4)}, DetLocalVisualizer())


@pytest.fixture
def config(tiny_config, tiny_coco):
    register_all_modules(init_default_scope=False)
    cfg = Config.fromfile(tiny_config)
    cfg.merge_from_dict({'train_dataloader.dataset.data_root': str(tiny_coco)})
    data = cfg.train_dataloader.dataset
    load, rest = data.pipeline[:2], data.pipeline[2:-1]
    data.pipeline = load
    mixup = dict(type='mmvisx.DetectionMixUp', ratio=0.25)
    pipeline = [mixup, *rest, dict(type='mmvisx.PackDetInputs')]
    cfg.train_dataloader.dataset = dict(
        type='mmdet.MultiImageMixDataset', dataset=data, pipeline=pipeline
    )
    return cfg


def test_samples_of_a_config(config, texts):
    three = dict(browse(config, 3))
    assert len(three) == 3
    assert {text.split(' ')[1] for text in texts} == {'w=0.25', 'w=0.75'}
    ((name, picture),) = browse(config, 1, start=2)
    assert np.array_equal(picture, three[name])
    assert not np.array_equal(next(browse(config, 1, start=2, seed=1))[1], picture)


def test_no_such_split_or_sample(config):
    with pytest.raises(UserError, match='start=9, but the data set has'):
        next(browse(config, 1, start=9))
    config.pop('train_dataloader')
    with pytest.raises(UserError, match=r'no train_dataloader; splits it has: .*test'):
        next(browse(config, 1))
