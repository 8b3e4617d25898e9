"""--tta for segmentors and classifiers: which views, and what is made of them."""

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from PIL import Image
from torch import nn

from mmvisx.apis.tta import enable_tta
from mmvisx.models.test_time_augs import SegTTAModel
from mmvisx.utils import UserError

RECIPES = {
    # The long edge of a 30x50 image at the size of the test, and whether there is one.
    'stacked_unet/sunet_nano_camvid': 240,
    'stacked_unet/sunet64_raw_300e_voc2012_sbd': 50,
    'bag_of_tricks/fcn_r50_d_efficient_ade20k': 867,
    'multi_task/sunet64_raw_async_300e_voc_person_part': 50,
}


@pytest.mark.parametrize('name', RECIPES)
def test_views_of_a_recipe(repo, tmp_path, name):
    cfg = Config.fromfile(repo / f'configs/{name}.py')
    enable_tta(cfg)
    Image.fromarray(np.zeros((30, 50, 3), np.uint8)).save(tmp_path / 'a.png')
    Image.fromarray(np.arange(1500).reshape(30, 50).astype(np.uint8) % 7).save(tmp_path / 'b.png')
    info = dict(img_path=str(tmp_path / 'a.png'), seg_fields=[])
    label = dict(seg_map_path=str(tmp_path / 'b.png'), reduce_zero_label='ade20k' in name)
    several = 'multi_task' in name
    info.update(dict(task_maps=dict(part=label)) if several else label)
    with DefaultScope.overwrite_default_scope('mmseg'):
        views = Compose(cfg.test_dataloader.dataset.pipeline)(info)['data_samples']
    edges = [round(RECIPES[name] * ratio) for ratio in (0.75, 1, 1.25)]
    assert [view.flip for view in views] == [False, True] * 3
    assert [max(view.img_shape) for view in views] == pytest.approx(np.repeat(edges, 2), abs=1)
    maps = [view.get('gt_sem_seg_part' if several else 'gt_sem_seg').data for view in views]
    assert all(m.shape == (1, 30, 50) and torch.equal(m, maps[0]) for m in maps)


def test_left_and_right_of_lip_are_known(repo):
    cfg = Config.fromfile(repo / 'configs/multi_task/sunet64_raw_async_300e_voc_lip.py')
    enable_tta(cfg)
    assert cfg.model.mirrored == dict(semantic=[], part=[(14, 15), (16, 17), (18, 19)])


def test_the_configs_own_views_come_first(repo):
    cfg = Config.fromfile(repo / 'configs/stacked_unet/sunet_nano_camvid.py')
    cfg.tta_model = dict(type='SegTTAModel')
    cfg.tta_pipeline = [dict(type='mmvisx.LoadImageFromFile'), dict(type='TestTimeAug')]
    enable_tta(cfg)
    assert cfg.model.type == 'mmvisx.SegTTAModel'
    assert len(cfg.test_dataloader.dataset.pipeline) == 2


def test_views_of_a_classifier(repo):
    cfg = Config.fromfile(repo / 'configs/bag_of_tricks/resnet50_d_smooth_imagenet.py')
    enable_tta(cfg)
    assert cfg.model.type == 'mmpretrain.AverageClsScoreTTA'
    load, augment = cfg.test_dataloader.dataset.pipeline
    names = [[step['type'] for step in group] for group in augment['transforms']]
    assert load['type'] == 'mmvisx.LoadImageFromFile'
    assert names == [['ResizeEdge'], ['CenterCrop'], ['RandomFlip'] * 2, ['PackInputs']]


def test_no_views_of_other_pipelines(repo):
    cfg = Config.fromfile(repo / 'configs/stacked_unet/sunet_nano_camvid.py')
    cfg.test_dataloader.dataset.pipeline = [dict(type='LoadFromNDArray')]
    with pytest.raises(UserError, match=r'LoadImage and end with a Pack transform \(LoadFrom'):
        enable_tta(cfg)


class Segmentor(nn.Module):
    """Gives each view its logits, at the size of the image and flipped back."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits

    def test_step(self, data):
        """Hand out the next logits."""
        samples = []
        for sample in data['data_samples']:
            found = {key: PixelData(data=value.pop(0)) for key, value in self.logits.items()}
            sample.set_data(found)
            samples.append(sample)
        return samples


def log(*rows):
    """Logits ``(C, 1, 2)`` of two pixels with these probabilities of the classes."""
    return torch.tensor(rows).T[:, None].log()


def view(flip=None):
    """A view of the only image."""
    meta = dict(flip=flip is not None, flip_direction=flip, img_path='a.jpg')
    return SegDataSample(metainfo=meta, gt_sem_seg=PixelData(data=torch.zeros(1, 1, 2).long()))


def test_probabilities_are_averaged():
    # By hand: (.455, .4, .145) and (.2, .35, .45). The mean of the logits of the first pixel would
    # be largest for class 1: .05 x .75 against .9 x .01.
    logits = [
        log((0.9, 0.05, 0.05), (0.1, 0.6, 0.3)),
        log((0.01, 0.75, 0.24), (0.3, 0.1, 0.6)),
    ]
    model = SegTTAModel(module=Segmentor({'seg_logits': logits}))
    (merged,) = model.test_step(dict(inputs=[0, 0], data_samples=[[view()], [view('horizontal')]]))
    assert merged.pred_sem_seg.data.tolist() == [[[0, 2]]]
    expected = torch.tensor([[0.455, 0.2], [0.4, 0.35], [0.145, 0.45]])
    assert torch.allclose(merged.seg_logits.data[:, 0].exp(), expected, atol=1e-6)
    assert 'gt_sem_seg' in merged
    assert merged.img_path == 'a.jpg'


@pytest.mark.parametrize('direction', ['horizontal', 'vertical', 'diagonal'])
def test_left_is_right_in_a_mirror_and_in_no_other_task(direction):
    # Class 1 is left, 2 right. The mirrored view sees the left arm as a right one.
    rows = {'part': [(0.1, 0.8, 0.1), (0.1, 0.1, 0.8)], 'scene': [(0.1, 0.8, 0.1)] * 2}
    logits = {
        f'seg_logits_{task}': [log(first, first), log(second, second)]
        for task, (first, second) in rows.items()
    }
    model = SegTTAModel(dict(part=[(1, 2)], scene=[]), module=Segmentor(logits))
    (merged,) = model.test_step(dict(inputs=[0, 0], data_samples=[[view()], [view(direction)]]))
    part = merged.seg_logits_part.data[:, 0, 0].exp().tolist()
    mixed = direction == 'diagonal'  # turned, not mirrored: the two views disagree
    assert part == pytest.approx([0.1, 0.45, 0.45] if mixed else [0.1, 0.8, 0.1])
    assert merged.seg_logits_scene.data[:, 0, 0].exp().tolist() == pytest.approx([0.1, 0.8, 0.1])
    assert merged.pred_sem_seg_scene.data.tolist() == [[[1, 1]]]
