"""Person parts of real annotations: maps looked at, counted, and painted in another way."""

import numpy as np
import pytest
from mmengine.registry import DATASETS
from PIL import Image
from scipy.io import loadmat

from mmvisx.datasets import PERSON_PARTS
from mmvisx.datasets.segmentation.pascal_person_part import person_parts
from mmvisx.datasets.segmentation.seg_converters import convert_person_parts, read_names

pytestmark = pytest.mark.realdata

# Pixels of background, head, torso, upper and lower arms, upper and lower legs, as they were when
# the maps lay over their photographs and were looked at.
COUNTS = {
    '2008_000652': (45008, 6398, 3980, 3526, 4173, 4195, 880),
    '2008_000700': (167774, 2670, 4027, 3177, 2755, 4350, 2747),
    '2008_000726': (7262, 17556, 18249, 16217, 17516, 0, 0),
    '2008_000939': (186028, 176, 795, 317, 184, 0, 0),
    '2008_003228': (109281, 13271, 50276, 8682, 5990, 0, 0),
    '2009_001103': (145448, 6481, 15312, 11586, 8673, 0, 0),
    '2010_002526': (57549, 22606, 48011, 23481, 9803, 3050, 0),
    '2010_005243': (130501, 8086, 16487, 3177, 2175, 5458, 616),
}


@pytest.fixture(scope='module')
def parts(realdata):
    """The folder of PASCAL-Part's annotations."""
    return realdata / 'pascal_part18'


def test_pixels_of_every_part(parts):
    found = {}
    for path in sorted(parts.glob('*.mat')):
        labels = person_parts(path)
        if labels is not None:
            found[path.stem] = tuple(np.bincount(labels.ravel(), minlength=7).tolist())
    assert found == COUNTS


@pytest.mark.parametrize('name', COUNTS)
def test_parts_cover_the_persons_and_nothing_else(parts, name):
    """Against the masks of whole persons, which the converter does not read."""
    labels = person_parts(parts / f'{name}.mat')
    objects = loadmat(parts / f'{name}.mat')['anno']['objects'].item().reshape(-1)
    persons = [o['mask'] > 0 for o in objects if o['class'].item() == 'person']
    whole = np.any(persons, axis=0)
    with Image.open(parts / f'{name}.jpg') as image:
        assert labels.shape == image.size[::-1]
    assert not (labels > 0)[~whole].any()
    assert (labels > 0)[whole].mean() > 0.94


# By the end of a part's name; the rest is the head.
ENDS = dict(torso=2, neck=2, uarm=3, larm=4, hand=4, uleg=5, lleg=6, foot=6)


@pytest.mark.parametrize('name', COUNTS)
def test_painted_from_the_last_part_to_the_first(parts, name):
    """What is painted first stays here, and names are taken apart instead of looked up."""
    wanted = None
    objects = loadmat(parts / f'{name}.mat')['anno']['objects'].item().reshape(-1)
    for thing in reversed(objects):
        if thing['class'].item() != 'person':
            continue
        for part in reversed(thing['parts'].reshape(-1)):
            mask = part['mask'] == 1
            wanted = np.zeros(mask.shape, int) if wanted is None else wanted
            kind = part['part_name'].item()
            labels = [label for end, label in ENDS.items() if kind.endswith(end)] or [1]
            wanted[mask & (wanted == 0)] = labels[0]
    assert np.array_equal(person_parts(parts / f'{name}.mat'), wanted)


def test_of_one_person_no_head_lies_below_its_legs(parts):
    labels = person_parts(parts / '2008_000700.mat')
    rows = [np.nonzero(labels == k)[0].mean() for k in range(7)]
    assert rows[1] < rows[2] < rows[5] < rows[6]  # head, torso, upper legs, lower legs


def test_hand_made_maps_have_the_same_labels(realdata, tmp_path):
    """The data set that loads the converter's maps loads those of PASCAL-Person-Part, too.

    In both the torso is larger than the head and has it above, on average.
    """
    folder = realdata / 'person_part4'
    data = DATASETS.build(
        dict(
            type='mmvisx.PascalPersonPartDataset',
            data_root=str(folder),
            data_prefix=dict(img_path='', seg_map_path=''),
            pipeline=[
                dict(type='mmvisx.LoadImageFromFile'),
                dict(type='mmvisx.LoadSegAnnotations'),
            ],
        )
    )
    assert len(data) == 4
    assert data.metainfo['classes'] == PERSON_PARTS
    for k in range(4):
        sample = data[k]
        labels = sample['gt_seg_map']
        assert set(np.unique(labels)) <= {*range(7), 255}
        rows = [np.nonzero(labels == part)[0].mean() for part in (1, 2)]
        assert rows[0] < rows[1]
        assert (labels == 1).sum() < (labels == 2).sum()


def test_lists_of_a_split(parts, tmp_path):
    main = tmp_path / 'ImageSets' / 'Main'
    main.mkdir(parents=True)
    names = sorted(path.stem for path in parts.glob('*.mat'))
    (main / 'train.txt').write_text('\n'.join(names[::2]))
    (main / 'val.txt').write_text('\n'.join(names[1::2]))
    counts = convert_person_parts(parts, tmp_path)
    assert counts['maps'] == len(COUNTS)
    listed = {
        split: read_names(tmp_path / f'ImageSets/Segmentation/person_part_{split}.txt')
        for split in ('train', 'val')
    }
    assert listed['train'] == sorted(set(names[::2]) & set(COUNTS))
    assert listed['val'] == sorted(set(names[1::2]) & set(COUNTS))
    with Image.open(tmp_path / 'SegmentationPersonPart' / '2008_000652.png') as image:
        counted = np.bincount(np.asarray(image).ravel(), minlength=7)
    assert tuple(counted.tolist()) == COUNTS['2008_000652']
