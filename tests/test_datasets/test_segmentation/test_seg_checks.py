"""Every fault of folders of masks and of class folders, one by one."""

import shutil

import numpy as np
import pytest
from PIL import Image

from mmvisx.cli.datasets.check_dataset import main
from mmvisx.datasets.segmentation.seg_checks import (
    FOLDER_CHECKS,
    MASK_CHECKS,
    check_folders,
    check_masks,
)
from mmvisx.utils import UserError

CLASSES = ('ground', 'ball')
LABELS = np.array([[0, 0, 1, 255]], np.uint8).repeat(3, 0)


@pytest.fixture
def mine(tmp_path):
    """Three images of 4x3 with masks, one of which has a palette."""
    for name in ('images', 'masks'):
        (tmp_path / name).mkdir()
    for k, ending in enumerate(('jpg', 'PNG', 'bmp')):
        Image.fromarray(np.full((3, 4, 3), k, np.uint8)).save(tmp_path / f'images/{k}.{ending}')
        mask = Image.fromarray(LABELS)
        if k == 1:
            mask.putpalette([*range(256)] * 3)
        mask.save(tmp_path / f'masks/{k}.png')
    return tmp_path


def check(mine, classes=CLASSES):
    """Check the masks."""
    return check_masks(mine / 'images', mine / 'masks', classes)


def test_clean_masks_and_what_is_in_them(mine):
    report = check(mine)
    assert report.faults == 0
    assert (report.images, report.objects) == (3, 27)
    assert report.classes == {'0 ground': (3, 18), '1 ball': (3, 9)}
    assert report.kinds == {'grey': 2, 'with a palette': 1}
    assert '66.67' in report.class_table()
    assert check(mine, None).classes == {'0': (3, 18), '1': (3, 9)}


def save(path, labels, kind=np.uint8, mode=None):
    """Write a label map, of another mode if wanted."""
    image = Image.fromarray(np.asarray(labels).astype(kind))
    (image.convert(mode) if mode else image).save(path)


@pytest.mark.parametrize(
    ('fault', 'change'),
    [
        ('missing label map', lambda m: (m / 'masks/1.png').unlink()),
        ('label map without an image', lambda m: save(m / 'masks/7.png', LABELS)),
        ('unreadable image', lambda m: (m / 'images/1.PNG').write_bytes(b'x')),
        ('unreadable label map', lambda m: (m / 'masks/1.png').write_bytes(b'x')),
        ('label map of several channels', lambda m: save(m / 'masks/1.png', LABELS, mode='RGB')),
        ('label map of more than 8 bits', lambda m: save(m / 'masks/1.png', LABELS, np.uint16)),
        ('size differs from the image', lambda m: save(m / 'masks/1.png', LABELS.T)),
        ('label outside the classes', lambda m: save(m / 'masks/1.png', LABELS * 2)),
        ('no label but 255', lambda m: save(m / 'masks/1.png', LABELS * 0 + 255)),
    ],
)
def test_a_fault_of_the_masks(mine, fault, change):
    change(mine)
    report = check(mine)
    found = {name: count for name, count in report.counts.items() if count}
    assert found == {fault: 1}
    assert '1' in report.examples[fault][0] or '7' in report.examples[fault][0]
    assert fault in report.table()


def test_a_class_that_no_mask_has(mine):
    report = check(mine, (*CLASSES, 'box'))
    assert report.counts['class without a pixel'] == report.faults == 1
    assert report.examples['class without a pixel'] == ['2 box']


def test_masks_of_0_and_255_have_no_second_class(mine):
    for path in (mine / 'masks').iterdir():
        save(path, np.where(LABELS == 1, 255, 0))
    assert check(mine).examples['class without a pixel'] == ['1 ball']


def test_images_and_masks_in_one_folder(mine):
    for path in (mine / 'masks').iterdir():
        path.rename(mine / 'images' / path.name)
    (mine / 'images/1.PNG').unlink()
    (mine / 'images/1.png').unlink()
    report = check_masks(mine / 'images', mine / 'images', CLASSES)
    assert (report.images, report.faults) == (2, 0)


def test_folders_without_images(mine):
    with pytest.raises(UserError, match='nowhere does not exist'):
        check_masks(mine / 'images', mine / 'nowhere')
    (mine / 'none').mkdir()
    with pytest.raises(UserError, match='none has no image'):
        check_masks(mine / 'none', mine / 'masks')


@pytest.fixture
def folders(tmp_path):
    """Two classes with two different images each."""
    for k, name in enumerate(('apple', 'nut')):
        (tmp_path / 'train' / name).mkdir(parents=True)
        for number in range(2):
            picture = np.full((4, 4, 3), 60 * k + 20 * number, np.uint8)
            Image.fromarray(picture).save(tmp_path / 'train' / name / f'{number}.png')
    return tmp_path / 'train'


def test_clean_folders(folders):
    report = check_folders(folders, ('apple', 'nut'))
    assert (report.images, report.faults) == (4, 0)
    assert report.classes == {'apple': (2, 0), 'nut': (2, 0)}
    assert '%' not in report.class_table()


@pytest.mark.parametrize(
    ('fault', 'change'),
    [
        ('missing class folder', lambda f: shutil.rmtree(f / 'nut')),
        ('class folder without an image', lambda f: [p.unlink() for p in (f / 'nut').iterdir()]),
        ('unreadable image', lambda f: (f / 'nut/1.png').write_bytes(b'x')),
        ('image beside the class folders', lambda f: (f / 'nut/1.png').rename(f / '1.png')),
        ('file of another kind', lambda f: (f / 'nut/notes.txt').write_text('x')),
        ('one image in two classes', lambda f: shutil.copy(f / 'apple/1.png', f / 'nut/2.png')),
    ],
)
def test_a_fault_of_the_folders(folders, fault, change):
    change(folders)
    found = {n: c for n, c in check_folders(folders, ('apple', 'nut')).counts.items() if c}
    assert found == {fault: 1}


def test_an_unknown_class_folder(folders):
    report = check_folders(folders, ('apple',))
    assert report.examples['unknown class folder'] == [str(folders / 'nut')]
    assert report.faults == 1


def test_every_check_is_tested():
    assert (len(MASK_CHECKS), len(FOLDER_CHECKS)) == (10, 7)


def test_the_tool_knows_what_it_is_given(mine, folders, tmp_path, capsys):
    masks = [str(mine / 'images'), '--masks', str(mine / 'masks')]
    assert main([*masks, '--classes', 'ground', 'ball']) == 0
    printed = capsys.readouterr().out
    assert '3 images: 0 faults' in printed
    assert '2 grey, 1 with a palette' in printed
    assert main([*masks, '--classes', 'ground,ball,box']) == 1
    assert main([str(folders)]) == 0
    assert main([str(folders), '--classes', str(folders)]) == 0
    with pytest.raises(UserError, match=r'neither Annotations .* nor a sub-folder .* give --masks'):
        main([str(mine / 'images')])
