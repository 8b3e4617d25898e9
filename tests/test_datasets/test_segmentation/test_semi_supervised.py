"""Images with label maps and without: no hidden map comes out, nor is it read."""

import shutil

import numpy as np
import pytest
from PIL import Image

from mmvisx.datasets import LabelledImages, SemiSupervised
from mmvisx.datasets.classification.semi_supervised_choice import draw_images
from mmvisx.utils import UserError
from tests.contract.samples import SEG_CLASSES, write_maps
from tests.helpers.semi_supervised import write_list

PIPELINE = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='mmvisx.LoadSegAnnotations'),
    dict(type='mmseg.Resize', scale=(10, 10), keep_ratio=False),
    dict(type='mmvisx.RandomScale', low=0.9, high=1.2),
    dict(type='mmseg.RandomCrop', crop_size=(8, 8)),
    dict(type='mmvisx.RandomFlip', prob=1.0),
    dict(type='mmseg.PackSegInputs'),
]


def maps(files, **options):
    """Config of the data set."""
    return dict(
        dict(
            type='mmvisx.SegmentationDataset',
            metainfo=dict(classes=SEG_CLASSES),
            pipeline=PIPELINE,
            **files,
        ),
        **options,
    )


@pytest.fixture
def files(tmp_path):
    return write_maps(tmp_path / 'data', count=6)


def samples(data):
    return [data[index]['data_samples'] for index in range(len(data))]


def name(sample):
    return sample.img_path.split('/')[-1]


def test_the_list_has_maps_and_the_rest_has_none(files, tmp_path):
    listed = write_list(tmp_path / 'list.txt', ['1.jpg', '4.jpg'])
    data = SemiSupervised(maps(files), listed)
    assert (data.num_labelled, len(data)) == (2, 6)
    assert data.names() == ['1.jpg', '4.jpg', '0.jpg', '2.jpg', '3.jpg', '5.jpg']
    found = samples(data)
    assert [name(sample) for sample in found] == data.names()
    assert ['gt_sem_seg' in sample for sample in found] == [True] * 2 + [False] * 4
    assert found[0].gt_sem_seg.data.shape == (1, 8, 8)
    assert [sample.seg_map_path is None for sample in found] == [False] * 2 + [True] * 4


def test_hidden_maps_are_not_read_and_need_not_be_there(files, tmp_path):
    listed = write_list(tmp_path / 'list.txt', ['1.jpg', '4.jpg'])
    data = SemiSupervised(maps(files), listed)
    for hidden in '0235':
        (tmp_path / f'data/masks/{hidden}.png').write_bytes(b'noise')
    assert len(samples(data)) == 6
    loose = tmp_path / 'loose'
    loose.mkdir()
    shutil.copy(tmp_path / 'data/images/0.jpg', loose)
    unlabelled = maps(dict(data_prefix=dict(img_path=str(loose))))
    data = SemiSupervised(maps(files), listed, unlabelled)
    assert ['gt_sem_seg' in sample for sample in samples(data)] == [True, True, False]


def test_a_number_draws_as_many_images(files):
    data = SemiSupervised(maps(files), 4)
    assert (data.num_labelled, len(data)) == (4, 6)
    assert data.names() == SemiSupervised(maps(files), 4).names()
    drawn = [tuple(draw_images(6, 2, seed)) for seed in range(300)]
    counts = np.bincount(np.concatenate(drawn))
    assert abs(counts - 100).max() < 4 * np.sqrt(300 * 2 / 9)
    assert len(draw_images(20, 0.25, 0)) == 5


def test_the_labelled_images_alone(files, tmp_path):
    listed = write_list(tmp_path / 'list.txt', ['1.jpg', '4.jpg'])
    found = samples(LabelledImages(maps(files), listed, times=2))
    assert [name(sample) for sample in found] == ['1.jpg', '4.jpg'] * 2
    assert all('gt_sem_seg' in sample for sample in found)


def test_labels_of_labelled_images_are_checked(files, tmp_path):
    listed = write_list(tmp_path / 'list.txt', ['1.jpg'])
    data = SemiSupervised(maps(files), listed)
    Image.fromarray(np.full((20, 30), 9, np.uint8)).save(tmp_path / 'data/masks/1.png')
    with pytest.raises(UserError, match=r'1.png has the label 9'):
        data[0]


@pytest.mark.parametrize(
    ('labelled', 'message'),
    [
        (7, '7 labelled images of 6'),
        (6, 'no image is unlabelled: all 6'),
        (['1.jpg', 'x.jpg'], 'x.jpg is no image of the data set, which has 6, 0.jpg for example'),
        ([], 'no image is labelled'),
    ],
)
def test_choices_that_are_refused(files, tmp_path, labelled, message):
    if not isinstance(labelled, int):
        labelled = write_list(tmp_path / 'list.txt', labelled)
    with pytest.raises(UserError, match=message):
        SemiSupervised(maps(files), labelled)


def test_a_labelled_image_among_the_unlabelled(files, tmp_path):
    listed = write_list(tmp_path / 'list.txt', ['1.jpg'])
    with pytest.raises(UserError, match=r'1.jpg is labelled and also among the unlabelled'):
        SemiSupervised(maps(files), listed, maps(files))
