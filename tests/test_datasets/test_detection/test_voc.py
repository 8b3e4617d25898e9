import pytest

from mmvisx.datasets import VOCDataset
from mmvisx.datasets.detection.checks import check_voc
from mmvisx.utils import UserError
from tests.helpers.datasets import CLASSES, voc_xml, write_voc

GOOD = ('cat', (5, 5, 15, 15))


def build(root, **kwargs):
    kwargs.setdefault('metainfo', {'classes': CLASSES})
    return VOCDataset(
        ann_file='VOC2012/ImageSets/Main/train.txt',
        data_root=str(root),
        data_prefix={'sub_data_root': 'VOC2012/'},
        **kwargs,
    )


def test_reads_boxes(tmp_path):
    write_voc(tmp_path, {'1': voc_xml([GOOD, ('dog', (1, 1, 40, 30))])})
    dataset = build(tmp_path)
    instances = dataset.get_data_info(0)['instances']
    assert [(o['bbox'], o['bbox_label']) for o in instances] == [
        ([4, 4, 14, 14], 0),
        ([0, 0, 39, 29], 1),
    ]
    assert not dataset.skipped


def test_missing_list(tmp_path):
    with pytest.raises(UserError, match=r'train\.txt does not exist.*data_root'):
        build(tmp_path)


def test_missing_xml_is_named(tmp_path):
    path = write_voc(tmp_path, {'1': voc_xml([GOOD])})
    path.write_text('1\n2\n')
    with pytest.raises(UserError, match=r"2\.xml does not exist.*'2'"):
        build(tmp_path)


def test_broken_xml_is_named(tmp_path):
    write_voc(tmp_path, {'1': voc_xml([GOOD])[:-20]})
    with pytest.raises(UserError, match=r'1\.xml is no valid XML'):
        build(tmp_path)


@pytest.mark.parametrize(
    'change', [('<xmin>5</xmin>', ''), ('<xmin>5</xmin>', '<xmin>five</xmin>'), ('name>', 'nom>')]
)
def test_incomplete_object_is_named(tmp_path, change):
    write_voc(tmp_path, {'1': voc_xml([GOOD]).replace(*change)})
    with pytest.raises(UserError, match=r'1\.xml is no VOC annotation'):
        build(tmp_path)


def test_names_outside_the_classes_are_counted(tmp_path):
    write_voc(tmp_path, {'1': voc_xml([GOOD, ('cow', (5, 5, 9, 9)), ('cow', (5, 5, 9, 9))])})
    dataset = build(tmp_path)
    assert dataset.skipped == {"class 'cow' that metainfo does not have": 2}
    assert dataset.examples["class 'cow' that metainfo does not have"] == '1.jpg'


@pytest.mark.parametrize(
    ('box', 'problem'),
    [((9, 9, 9, 20), 'box of no area'), ((50, 5, 60, 9), 'box outside the image')],
)
def test_unusable_box_is_counted(tmp_path, box, problem):
    write_voc(tmp_path, {'1': voc_xml([GOOD, ('dog', box)])})
    dataset = build(tmp_path)
    assert dataset.skipped == {problem: 1}
    assert len(dataset.get_data_info(0)['instances']) == 1


def test_only_foreign_classes_is_an_error(tmp_path):
    write_voc(tmp_path, {'1': voc_xml([('cow', (5, 5, 9, 9))])})
    with pytest.raises(UserError, match=r"no object is left.*'cow'"):
        build(tmp_path)


def test_image_without_objects_is_filtered(tmp_path):
    write_voc(tmp_path, {'1': voc_xml([GOOD]), '2': voc_xml([])})
    assert len(build(tmp_path)) == 2
    assert len(build(tmp_path, filter_cfg={'filter_empty_gt': True})) == 1


@pytest.mark.realdata
def test_real_images(realdata):
    root = realdata / 'voc2012_det100' / 'VOCdevkit'
    datasets = [
        VOCDataset(
            ann_file=f'VOC2012/ImageSets/Main/{split}.txt',
            data_root=str(root),
            data_prefix={'sub_data_root': 'VOC2012/'},
        )
        for split in ('train', 'val')
    ]
    assert [len(dataset) for dataset in datasets] == [70, 30]
    objects = sum(len(d.get_data_info(k)['instances']) for d in datasets for k in range(len(d)))
    assert objects == 273
    assert not datasets[0].skipped


def test_images_of_another_ending_are_found_by_their_name(tmp_path):
    write_voc(tmp_path, {'1': voc_xml([GOOD]).replace('1.jpg', '1.png')})
    folder = tmp_path / 'VOC2012/JPEGImages'
    assert build(tmp_path).get_data_info(0)['img_path'] == str(folder / '1.jpg')
    (folder / '1.jpg').rename(folder / '1.png')
    assert build(tmp_path).get_data_info(0)['img_path'] == str(folder / '1.png')
    assert check_voc(tmp_path / 'VOC2012', 'train', CLASSES).faults == 0
