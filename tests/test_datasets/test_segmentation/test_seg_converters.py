"""SBD, PASCAL-Part and LIP in small, made by hand."""

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from mmvisx.cli.datasets.lip_to_folders import main as lip
from mmvisx.cli.datasets.pascal_part_to_person_part import main as person_part
from mmvisx.cli.datasets.sbd_to_voc import main as sbd_to_voc
from mmvisx.datasets.segmentation.pascal_person_part import PERSON_PARTS, person_parts
from mmvisx.datasets.segmentation.seg_converters import sbd_labels
from mmvisx.utils import UserError

SIZE = (6, 8)


def struct(**fields):
    """A MATLAB struct of one element."""
    array = np.empty((1, 1), dtype=[(name, object) for name in fields])
    for name, value in fields.items():
        array[name][0, 0] = value
    return array


def structs(items):
    """A MATLAB struct array of one row."""
    array = np.empty((1, len(items)), dtype=[(name, object) for name in items[0]])
    for k, item in enumerate(items):
        for name, value in item.items():
            array[name][0, k] = value
    return array


def write_list(path, names):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(f'{name}\n' for name in names))


def read(path):
    with Image.open(path) as image:
        assert image.mode == 'P'
        assert image.getpalette()[:6] == [0, 0, 0, 128, 0, 0]
        return np.asarray(image)


def box(y1, y2, x1, x2):
    mask = np.zeros(SIZE, np.uint8)
    mask[y1:y2, x1:x2] = 1
    return mask


@pytest.fixture
def devkit(tmp_path):
    """VOC with images a (train), b, c (val); SBD with train c, d and val b, e, a."""
    voc, sbd = tmp_path / 'VOC2012', tmp_path / 'benchmark_RELEASE'
    write_list(voc / 'ImageSets/Segmentation/train.txt', ['a'])
    write_list(voc / 'ImageSets/Segmentation/val.txt', ['b', 'c'])
    (voc / 'SegmentationClass').mkdir()
    for number, name in enumerate('abc', start=1):
        Image.fromarray(np.full(SIZE, number, np.uint8)).save(
            voc / 'SegmentationClass' / f'{name}.png'
        )
    write_list(sbd / 'dataset/train.txt', ['c', 'd'])
    write_list(sbd / 'dataset/val.txt', ['b', 'e', 'a'])
    (sbd / 'dataset/cls').mkdir()
    for number, name in enumerate('abcde', start=11):
        labels = np.full(SIZE, number, np.uint8)
        labels[0, 0] = 0
        content = struct(Segmentation=labels, Boundaries=np.zeros((20, 1)))
        savemat(sbd / 'dataset/cls' / f'{name}.mat', {'GTcls': content})
    return voc, sbd


def test_d1_is_voc_and_sbd_less_what_voc_validates_on(devkit, capsys):
    voc, sbd = devkit
    sbd_to_voc([str(sbd), str(voc)])
    printed = capsys.readouterr().out
    names = (voc / 'ImageSets/Segmentation/trainaug.txt').read_text().split()
    # b and c are VOC's validation images, in SBD's training or validation set though they be.
    assert names == ['a', 'd', 'e']
    assert (voc / 'ImageSets/Segmentation/trainaug_half.txt').read_text().split() == ['a', 'e']
    assert '3 training images' in printed
    assert '2 of SBD left out' in printed
    assert (voc / 'ImageSets/Segmentation/val.txt').read_text().split() == ['b', 'c']
    values = {
        name: np.unique(read(voc / 'SegmentationClassAug' / f'{name}.png')).tolist()
        for name in 'abcde'
    }
    # VOC's own maps where there are any.
    assert values == dict(a=[1], b=[2], c=[3], d=[0, 14], e=[0, 15])


def test_faults_of_sbd_are_named(devkit, tmp_path):
    voc, sbd = devkit
    with pytest.raises(UserError, match='benchmark_RELEASE'):
        sbd_to_voc([str(tmp_path / 'nowhere'), str(voc)])
    savemat(tmp_path / 'large.mat', {'GTcls': struct(Segmentation=np.full(SIZE, 21, np.uint8))})
    with pytest.raises(UserError, match=r'large\.mat.* up to 21'):
        sbd_labels(tmp_path / 'large.mat')
    savemat(tmp_path / 'other.mat', {'x': 1})
    with pytest.raises(UserError, match=r'other\.mat is not an annotation of SBD'):
        sbd_labels(tmp_path / 'other.mat')
    (sbd / 'dataset/cls/d.mat').unlink()
    with pytest.raises(UserError, match=r'd\.mat does not exist'):
        sbd_to_voc([str(sbd), str(voc)])


def part(name, mask):
    return dict(part_name=name, mask=mask)


@pytest.fixture
def annotations(tmp_path):
    """Annotations of PASCAL-Part: p with two persons and a cat, q without persons."""
    folder = tmp_path / 'Annotations_Part'
    folder.mkdir()
    first = [
        part('head', box(0, 2, 0, 4)),
        part('leye', box(1, 2, 1, 2)),
        part('torso', box(2, 4, 0, 4)),
        part('neck', box(2, 3, 1, 2)),
        part('ruarm', box(3, 4, 3, 5)),  # over the torso
    ]
    second = [part('llleg', box(3, 6, 4, 8)), part('lfoot', box(5, 6, 4, 8))]
    second += [part('rhand', box(0, 1, 7, 8)), part('ruleg', box(4, 5, 4, 8))]
    cat = [part('head', box(0, 6, 0, 8))]
    people = [('person', first), ('person', second), ('cat', cat)]
    objects = [
        {'class': kind, 'class_ind': 15, 'mask': box(0, 6, 0, 8), 'parts': structs(parts)}
        for kind, parts in people
    ]
    anno = {'anno': struct(imname='p', objects=structs(objects))}
    savemat(folder / 'p.mat', anno)
    savemat(folder / 'r.mat', anno)
    nothing = {'class': 'bus', 'class_ind': 6, 'mask': box(0, 1, 0, 1), 'parts': np.zeros((0, 0))}
    savemat(folder / 'q.mat', {'anno': struct(imname='q', objects=structs([nothing]))})
    return folder


WANTED = np.array(
    [
        [1, 1, 1, 1, 0, 0, 0, 4],
        [1, 1, 1, 1, 0, 0, 0, 0],
        [2, 2, 2, 2, 0, 0, 0, 0],
        [2, 2, 2, 3, 6, 6, 6, 6],
        [0, 0, 0, 0, 5, 5, 5, 5],
        [0, 0, 0, 0, 6, 6, 6, 6],
    ]
)


def test_person_parts_by_hand(annotations):
    assert np.array_equal(person_parts(annotations / 'p.mat'), WANTED)
    assert person_parts(annotations / 'q.mat') is None
    assert len(PERSON_PARTS) == 7


def test_d3_is_what_person_part_and_sbd_have_in_common(annotations, devkit, capsys):
    voc, sbd = devkit
    # p is in both training sets, r in one of each.
    write_list(voc / 'ImageSets/Main/train.txt', ['p 1', 'q -1'])
    write_list(voc / 'ImageSets/Main/val.txt', ['r', 'x'])
    write_list(sbd / 'dataset/train.txt', ['p', 'q', 'r'])
    lists = voc / 'ImageSets/Segmentation'
    person_part([str(annotations), str(voc)])
    assert (lists / 'person_part_train.txt').read_text().split() == ['p']
    assert (lists / 'person_part_val.txt').read_text().split() == ['r']
    person_part([str(annotations), str(voc), '--sbd', str(sbd)])
    assert (lists / 'person_part_train.txt').read_text().split() == ['p']
    assert (lists / 'person_part_val.txt').read_text().split() == []
    assert 'maps: 2 images' in capsys.readouterr().out
    assert np.array_equal(read(voc / 'SegmentationPersonPart/p.png'), WANTED)
    assert not (voc / 'SegmentationPersonPart/q.png').exists()


def test_faults_of_pascal_part_are_named(annotations, devkit, tmp_path):
    thing = dict(part_name='tail', mask=box(0, 1, 0, 1))
    person = {
        'class': 'person',
        'class_ind': 15,
        'mask': box(0, 1, 0, 1),
        'parts': structs([thing]),
    }
    savemat(annotations / 's.mat', {'anno': struct(imname='s', objects=structs([person]))})
    with pytest.raises(UserError, match=r"s\.mat: a person has a part 'tail'"):
        person_parts(annotations / 's.mat')
    savemat(tmp_path / 'other.mat', {'x': 1})
    with pytest.raises(UserError, match='not an annotation of PASCAL-Part'):
        person_parts(tmp_path / 'other.mat')
    with pytest.raises(UserError, match='does not exist'):
        person_parts(tmp_path / 'nothing.mat')
    with pytest.raises(UserError, match='Annotations_Part'):
        person_part([str(devkit[0]), str(devkit[0])])


@pytest.fixture
def lip_source(tmp_path):
    """One training and one validation image of LIP."""
    source = tmp_path / 'instance-level_human_parsing'
    for folder, ids, name in (
        ('Training', 'train_id.txt', '0001'),
        ('Validation', 'val_id.txt', '0002'),
    ):
        (source / folder / 'Images').mkdir(parents=True)
        (source / folder / 'Category_ids').mkdir()
        write_list(source / folder / ids, [name])
        Image.fromarray(np.zeros((*SIZE, 3), np.uint8)).save(
            source / folder / 'Images' / f'{name}.jpg'
        )
        labels = box(1, 3, 2, 5) * 19
        Image.fromarray(labels).save(source / folder / 'Category_ids' / f'{name}.png')
    return source


def test_lip(lip_source, tmp_path, capsys):
    lip([str(lip_source), str(tmp_path / 'LIP')])
    assert 'train: 1 images, val: 1 images' in capsys.readouterr().out
    assert (tmp_path / 'LIP/train.txt').read_text().split() == ['0001']
    assert (tmp_path / 'LIP/val.txt').read_text().split() == ['0002']
    for name in ('0001', '0002'):
        assert np.array_equal(
            read(tmp_path / f'LIP/segmentations/{name}.png'), box(1, 3, 2, 5) * 19
        )
        assert (tmp_path / f'LIP/images/{name}.jpg').is_file()


@pytest.mark.parametrize(
    ('labels', 'message'),
    [
        (np.zeros((5, 8), np.uint8), r'0001\.png has the shape \(5, 8\), its image .* \(6, 8\)'),
        (np.full(SIZE, 20, np.uint8), r'0001\.png has the label 20'),
        (None, r'0001\.png and .*0001\.jpg are a pair, but'),
    ],
)
def test_faults_of_lip_are_named(lip_source, tmp_path, labels, message):
    path = lip_source / 'Training/Category_ids/0001.png'
    path.unlink()
    if labels is not None:
        Image.fromarray(labels).save(path)
    with pytest.raises(UserError, match=message):
        lip([str(lip_source), str(tmp_path / 'LIP')])
