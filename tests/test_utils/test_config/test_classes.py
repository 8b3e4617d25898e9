"""Fitting a config to somebody's own classes."""

import json

import pytest
from mmengine.config import Config

from mmvisx.utils import UserError
from mmvisx.utils.config.classes import read_classes, set_classes
from tests.helpers.datasets import labelme_shape, write_labelme, write_yolo


def test_set_classes_reaches_every_head_and_data_set(repo):
    cfg = Config.fromfile(repo / 'configs/detectors/htc_rfp_sac.py')
    set_classes(cfg, ['cat', 'dog'])
    assert [head.num_classes for head in cfg.model.roi_head.bbox_head] == [2, 2, 2]
    assert [head.num_classes for head in cfg.model.roi_head.mask_head] == [2, 2, 2]
    assert cfg.model.roi_head.semantic_head.num_classes == 183
    for loader in ('train', 'val', 'test'):
        assert cfg[f'{loader}_dataloader'].dataset.metainfo.classes == ('cat', 'dog')


def test_set_classes_inside_wrappers(repo):
    cfg = Config.fromfile(repo / 'configs/voc/faster_rcnn_resnet50_voc0712.py')
    set_classes(cfg, ['cat', 'dog', 'cow'])
    inner = cfg.train_dataloader.dataset.datasets
    assert [d.metainfo.classes for d in inner] == [('cat', 'dog', 'cow')] * 2
    assert cfg.model.roi_head.bbox_head.num_classes == 3


def test_set_classes_without_heads():
    cfg = Config(dict(model=dict(), train_dataloader=dict(dataset=dict(ann_file='a.json'))))
    with pytest.raises(UserError, match='no head with num_classes'):
        set_classes(cfg, ['cat'])


def test_read_classes(tmp_path):
    path = tmp_path / 'train.json'
    categories = [dict(id=7, name='dog'), dict(id=2, name='cat')]
    path.write_text(json.dumps(dict(images=[], annotations=[], categories=categories)))
    assert read_classes([str(path)]) == ('cat', 'dog')
    assert read_classes(['a', 'b']) == ('a', 'b')
    with pytest.raises(UserError, match="twice: \\['a'\\]"):
        read_classes(['a', 'a'])
    with pytest.raises(UserError, match=r'missing\.json'):
        read_classes([str(tmp_path / 'missing.json')])


def test_read_classes_of_a_folder_and_a_list(tmp_path):
    for name in ('b', 'a', '.git'):
        (tmp_path / 'train' / name).mkdir(parents=True)
    (tmp_path / 'train/notes.md').write_text('no class')
    assert read_classes([str(tmp_path / 'train')]) == ('a', 'b')
    with pytest.raises(UserError, match=r'train/a has no sub-folder'):
        read_classes([str(tmp_path / 'train/a')])
    (tmp_path / 'names.txt').write_text('sky\n\nthe road \n')
    assert read_classes([str(tmp_path / 'names.txt')]) == ('sky', 'the road')
    for missing in ('none.txt', 'none'):
        with pytest.raises(UserError, match=f'{missing}'):
            read_classes([str(tmp_path / missing)])
    assert read_classes(['alone']) == ('alone',)


@pytest.mark.parametrize(
    'name',
    [
        'fcn_skip/fcn_r18_nano_camvid',
        'stacked_unet/sunet64_raw_300e_voc2012_sbd',
        'bag_of_tricks/fcn_r50_d_efficient_ade20k',  # has an auxiliary head, and no label 0
    ],
)
def test_set_classes_of_a_segmentor(repo, name):
    cfg = Config.fromfile(repo / f'configs/{name}.py')
    set_classes(cfg, ['road', 'car'])
    heads = [cfg.model.decode_head, cfg.model.get('auxiliary_head')]
    assert [head.num_classes for head in heads if head] == [2] * (1 + ('ade20k' in name))
    for loader in ('train', 'val', 'test'):
        dataset = cfg[f'{loader}_dataloader'].dataset
        assert dataset.type == 'mmvisx.SegmentationDataset'
        assert dataset.metainfo == dict(classes=('road', 'car'))
        (step,) = (s for s in dataset.pipeline if 'Annotations' in s.type)
        assert dict(step) == dict(type='mmvisx.LoadSegAnnotations')


def test_set_classes_of_several_tasks_is_refused(repo):
    cfg = Config.fromfile(repo / 'configs/multi_task/sunet_sgd_nano_shapes.py')
    with pytest.raises(UserError, match=r'several tasks \(semantic, part\)'):
        set_classes(cfg, ['a', 'b'])


def test_classes_of_yolo_and_labelme(tmp_path):
    path = write_yolo(tmp_path / 'yolo', {})
    assert read_classes([str(path)]) == ('cat', 'dog')
    shapes = [labelme_shape(name, [[1, 1], [5, 5]], 'rectangle') for name in ('zebra', 'ape')]
    folder = write_labelme(tmp_path / 'labelme', {'1': shapes})
    assert read_classes([str(folder)]) == ('ape', 'zebra')


def test_data_sets_without_a_file_get_the_classes():
    def loader():
        dataset = dict(type='mmvisx.LabelMeDataset', data_prefix=dict(img='files'))
        return dict(dataset=dataset)

    cfg = Config(
        dict(
            default_scope='mmdet',
            model=dict(bbox_head=dict(num_classes=80)),
            train_dataloader=loader(),
            val_dataloader=loader(),
            test_dataloader=loader(),
        )
    )
    set_classes(cfg, ('cat', 'dog'))
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        assert cfg[key].dataset.metainfo.classes == ('cat', 'dog')
