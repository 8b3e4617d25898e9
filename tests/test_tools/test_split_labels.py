"""The tool that chooses labelled images writes a list that the data set reads."""

import pytest

from mmvisx.datasets import SemiSupervised
from mmvisx.utils import UserError
from tests.contract.samples import SEG_CLASSES, write_maps
from tests.helpers.semi_supervised import image_folder, write_images

TOOL = 'tools/datasets/split_labels.py'


def test_a_list_that_the_data_set_reads(tool, tmp_path, capsys):
    folder, out = write_images(tmp_path / 'train'), tmp_path / 'list.txt'
    assert tool(TOOL, folder, '--per-class', 3, '--seed', 5, '--out', out) == 0
    assert '9 of 24 images are labelled' in capsys.readouterr().out
    text = out.read_text()
    assert text.startswith('# 3 of each class, seed 5\na/')
    data = SemiSupervised(image_folder(folder), str(out))
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert tool(TOOL, folder, '--per-class', 3, '--seed', 5, '--out', out) == 0
    assert out.read_text() == text
    assert tool(TOOL, folder, '--share', 0.25, '--out', out) == 0
    assert len(out.read_text().splitlines()) == 1 + 3 * 2


@pytest.mark.parametrize(
    ('option', 'value', 'message'),
    [
        ('--per-class', 9, '9 labelled images of class 0, which has 8'),
        ('--count', 0, '--count 0 should be 1 or more'),
        ('--per-class', 0, '--per-class 0 should be 1 or more'),
        ('--share', 1.5, '--share 1.5 should be above 0 and below 1'),
    ],
)
def test_mistakes(tool, tmp_path, option, value, message):
    folder = write_images(tmp_path / 'train')
    with pytest.raises(UserError, match=message):
        tool(TOOL, folder, option, value, '--out', tmp_path / 'list.txt')
    assert not (tmp_path / 'list.txt').exists()


def of_maps(tmp_path):
    """Write a config of six images with label maps; returns its path."""
    files = write_maps(tmp_path / 'data', count=6)
    dataset = dict(type='mmvisx.SegmentationDataset', metainfo=dict(classes=SEG_CLASSES), **files)
    path = tmp_path / 'config.py'
    data = dict(type='mmvisx.SemiSupervised', labelled=1, dataset=dataset)
    path.write_text(f"default_scope = 'mmseg'\ntrain_dataloader = dict(dataset={data!r})\n")
    return path, dataset


def test_images_with_label_maps_are_counted(tool, tmp_path):
    config, dataset = of_maps(tmp_path)
    out = tmp_path / 'list.txt'
    assert tool(TOOL, config, '--count', 2, '--seed', 1, '--out', out) == 0
    assert out.read_text().startswith('# 2 of all images, seed 1\n')
    assert SemiSupervised(dataset, str(out)).num_labelled == 2
    assert tool(TOOL, config, '--share', 0.5, '--out', out) == 0
    assert SemiSupervised(dataset, str(out)).num_labelled == 3


def test_sizes_that_do_not_fit_the_data(tool, tmp_path):
    config, _ = of_maps(tmp_path)
    folder = write_images(tmp_path / 'train')
    with pytest.raises(UserError, match='--per-class: images with label maps'):
        tool(TOOL, config, '--per-class', 2, '--out', tmp_path / 'list.txt')
    with pytest.raises(UserError, match='--count is for images with label maps'):
        tool(TOOL, folder, '--count', 2, '--out', tmp_path / 'list.txt')
