"""The tool that ranks unlabelled images writes a list that the data set reads."""

import pytest
import torch

from mmvisx.datasets import SemiSupervised
from mmvisx.registry import MODELS
from mmvisx.utils import UserError
from tests.helpers.semi_supervised import image_folder, write_images, write_list

TOOL = 'tools/analysis/label_next.py'


def view(channels=4):
    return dict(
        type='mmpretrain.ImageClassifier',
        backbone=dict(type='mmvisx.CifarResNet', base_channels=channels, stem_channels=channels),
        neck=dict(type='mmpretrain.GlobalAveragePooling'),
        head=dict(type='mmpretrain.LinearClsHead', num_classes=3, in_channels=4 * channels),
    )


def write_config(folder, **changes):
    """Write a config of 24 images, 3 labelled, and a checkpoint; returns both paths."""
    images = folder / 'train'
    if not images.exists():
        write_images(images)
    data = image_folder(images)
    listed = write_list(folder / 'known.txt', ['a/1.png', 'b/0.png', 'c/3.png'])
    model = dict(type='mmvisx.CoTrainingClassifier', views=[view(), view(6)])
    dataset = dict(type='mmvisx.SemiSupervised', dataset=data, labelled=listed)
    values = dict(
        default_scope='mmpretrain',
        model=changes.get('model', model),
        train_dataloader=dict(dataset=changes.get('dataset', dataset)),
        test_dataloader=dict(
            batch_size=5,
            num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='default_collate'),
            dataset=data,
        ),
    )
    config, checkpoint = folder / 'config.py', folder / 'weights.pth'
    config.write_text('\n'.join(f'{key} = {value!r}' for key, value in values.items()))
    torch.manual_seed(0)
    built = MODELS.build(dict(values['model']))
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, 0, 0.5)
    torch.save(dict(state_dict=built.state_dict()), checkpoint)
    return config, checkpoint


def names_in(path):
    return [line for line in path.read_text().splitlines() if not line.startswith('#')]


def test_a_list_to_train_on(tool, tmp_path, capsys):
    paths, out = write_config(tmp_path), tmp_path / 'next.txt'
    tool(TOOL, *paths, '--count', 4, '--out', out)
    assert '4 of 21' in capsys.readouterr().out
    names = names_in(out)
    assert names[:3] == ['a/1.png', 'b/0.png', 'c/3.png']
    data = SemiSupervised(image_folder(tmp_path / 'train'), str(out))
    assert (data.num_labelled, len(data)) == (7, 24)
    assert out.with_suffix('.png').stat().st_size > 1000
    # As ranked among all
    tool(TOOL, *paths, '--count', 21, '--out', out)
    assert names_in(out)[:7] == names
    assert len(set(names_in(out))) == 24


def test_drawn_ones_follow_from_the_seed(tool, tmp_path):
    paths = write_config(tmp_path)
    found = []
    for number, seed in enumerate((1, 1, 2)):
        out = tmp_path / f'{number}.txt'
        tool(TOOL, *paths, '--count', 6, '--random', seed, '--out', out)
        found.append(names_in(out))
    assert found[0] == found[1] != found[2]
    assert len(set(found[2])) == 9


def test_images_of_a_data_set_of_their_own_stand_alone_on_the_list(tool, tmp_path):
    images = write_images(tmp_path / 'train')
    (images / 'a').rename(tmp_path / 'loose')
    (images / 'a').mkdir()
    (tmp_path / 'loose/7.png').rename(images / 'a/1.png')
    data = image_folder(images)
    listed = write_list(tmp_path / 'known.txt', ['a/1.png'])
    loose = image_folder(tmp_path / 'loose', with_label=False)
    dataset = dict(type='mmvisx.SemiSupervised', dataset=data, labelled=listed, unlabelled=loose)
    out = tmp_path / 'next.txt'
    tool(TOOL, *write_config(tmp_path, dataset=dataset), '--count', 2, '--out', out)
    assert len(names_in(out)) == 2
    assert set(names_in(out)) <= {f'{k}.png' for k in range(7)}


@pytest.mark.parametrize(
    ('changes', 'count', 'message'),
    [
        ({}, 22, '--count 22: only 21 images are unlabelled'),
        ({}, 0, '--count 0 should be 1 or more'),
        (dict(model=view()), 1, 'of no co-trained model, but of ImageClassifier'),
        (dict(dataset=dict(type='mmvisx.ImageFolder')), 1, 'has no unlabelled images'),
    ],
)
def test_mistakes(tool, tmp_path, changes, count, message):
    paths = write_config(tmp_path, **changes)
    with pytest.raises(UserError, match=message):
        tool(TOOL, *paths, '--count', count, '--out', tmp_path / 'next.txt')
    assert not (tmp_path / 'next.txt').exists()
