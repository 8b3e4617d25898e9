"""Pictures, binaries and texts as points, from the command line to the data set."""

import json

import cv2
import numpy as np
import pytest
from scipy import sparse

from mmvisx.datasets import VectorDataset
from mmvisx.utils import UserError

RNG = np.random.default_rng(0)


@pytest.fixture
def photos(tmp_path):
    for name in ('cat/0', 'cat/1', 'dog/0'):
        path = tmp_path / f'photos/{name}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), RNG.integers(0, 255, (32, 40, 3)).astype(np.uint8))
    (tmp_path / 'photos/dog/broken.png').write_bytes(b'\x89PNG')
    return tmp_path / 'photos'


@pytest.mark.parametrize(
    ('options', 'values'),
    [
        ([], 1428),
        (['--size', '32', '--unit'], 2 * 2 * 13 + 128),
        (['--as', 'pixels'], 32 * 40 * 3),
        (['--as', 'pixels', '--grey', '--size', '8'], 64),
    ],
)
def test_pictures(tool, photos, tmp_path, capsys, options, values):
    out = tmp_path / 'out'
    assert tool('tools/datasets/images_to_vectors.py', photos, '--out', out, *options) == 0
    said = capsys.readouterr().out
    assert f'3 pictures, {values} values each' in said
    assert '1 broken pictures were skipped' in said
    dataset = VectorDataset(str(out / 'vectors.npy'), str(out / 'labels.txt'))
    assert (len(dataset), dataset.channels) == (3, values)
    assert dataset.metainfo['classes'] == ('cat', 'dog')
    assert dataset.labels.tolist() == [0, 0, 1]
    assert (out / 'files.txt').read_text() == 'cat/0.png\ncat/1.png\ndog/0.png\n'
    assert 'dog/broken.png: ' in (out / 'skipped.txt').read_text()
    if '--unit' in options:
        squares = (dataset.read(np.arange(3)).astype(float) ** 2).sum(axis=1) / values
        assert squares.mean() == pytest.approx(1, rel=1e-5)


CLASSIFIER = """
model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet_CIFAR', depth=18, base_channels=8, stem_channels=8),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=2, in_channels=64),
)
data_preprocessor = dict(num_classes=2, mean=[128, 128, 128], std=[64, 64, 64], to_rgb=True)
test_dataloader = dict(
    batch_size=2,
    dataset=dict(
        type='CustomDataset',
        data_prefix='none',
        pipeline=[
            dict(type='LoadImageFromFile'), dict(type='Resize', scale=16), dict(type='PackInputs')
        ],
    ),
)
test_cfg = dict()
test_evaluator = dict(type='Accuracy')
default_scope = 'mmpretrain'
"""


def test_pictures_through_a_backbone(tool, photos, tmp_path):
    import torch
    from mmengine.dataset import pseudo_collate

    from mmvisx.apis.build import build_model, build_test_pipeline
    from mmvisx.utils.config import load_config

    config, weights = tmp_path / 'config.py', tmp_path / 'weights.pth'
    config.write_text(CLASSIFIER)
    cfg = load_config(config)
    model = build_model(cfg)
    torch.save(dict(state_dict=model.state_dict()), weights)
    command = ['tools/datasets/images_to_vectors.py', photos, '--as', 'backbone', '--out']
    network = ['--config', config, '--checkpoint', weights, '--device', 'cpu']
    assert tool(*command, tmp_path / 'out', *network) == 0
    found = np.load(tmp_path / 'out/vectors.npy')
    assert found.shape == (3, 64)
    # What the last layer of the classifier gets, picture by picture
    pipeline = build_test_pipeline(cfg)
    for row, name in zip(found, ('cat/0', 'cat/1', 'dog/0'), strict=True):
        data = pseudo_collate([pipeline(dict(img_path=str(photos / f'{name}.png')))])
        with torch.no_grad():
            inputs = model.data_preprocessor(data, False)['inputs']
            wanted = model.extract_feat(inputs, stage='pre_logits')[0]
        np.testing.assert_allclose(row, wanted.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--as', 'backbone'], 'needs the --config'),
        (['--as', 'pixels', '--checkpoint', 'a.pth'], 'needs no network'),
        (['--as', 'backbone', '--config', 'a.py', '--size', '9'], 'leave --size'),
        (['--size', '23'], '--size 23 is too small'),
    ],
)
def test_options_that_do_not_fit(tool, photos, tmp_path, options, message):
    out = tmp_path / 'out'
    with pytest.raises(UserError, match=message):
        tool('tools/datasets/images_to_vectors.py', photos, '--out', out, *options)
    assert not out.exists()


def test_stl(tool, tmp_path):
    folder = tmp_path / 'stl10_binary'
    folder.mkdir()
    for part, count in (('train', 2), ('test', 3), ('unlabeled', 1)):
        images = RNG.integers(0, 255, (count, 3, 96, 96)).astype(np.uint8)
        images.tofile(folder / f'{part}_X.bin')
        if part != 'unlabeled':
            np.arange(1, count + 1, dtype=np.uint8).tofile(folder / f'{part}_y.bin')
    (folder / 'class_names.txt').write_text(''.join(f'{name}\n' for name in 'abcdefghij'))
    assert tool('tools/datasets/stl10_to_vectors.py', folder, '--out', tmp_path / 'out') == 0
    out = tmp_path / 'out'
    dataset = VectorDataset(str(out / 'vectors.npy'), str(out / 'labels.txt'))
    assert (len(dataset), dataset.channels) == (5, 1428)
    assert [dataset.metainfo['classes'][k] for k in dataset.labels] == list('ababc')
    assert np.load(out / 'unlabelled.npy').shape == (1, 1428)


def test_texts(tool, tmp_path, capsys):
    entries = [
        dict(body='gold and silver', topic='metal'),
        dict(body='banks of silver', topic='money'),
        dict(body='7', topic='metal'),
        dict(body='wheat', topic='grain'),
    ]
    path = tmp_path / 'texts.jsonl'
    path.write_text(''.join(json.dumps(entry) + '\n' for entry in entries))
    command = ['tools/datasets/texts_to_vectors.py', path, '--text', 'body']
    few = ['--label', 'topic', '--only', 'metal', 'money']
    assert tool(*command, *few, '--out', tmp_path / 'few') == 0
    said = capsys.readouterr().out
    assert '3 texts, 3 stems, 4 values' in said
    assert '1 texts have none of the stems' in said
    out = tmp_path / 'few'
    assert sparse.load_npz(out / 'vectors.npz').shape == (3, 3)
    assert (out / 'labels.txt').read_text().split() == ['metal', 'money', 'metal']
    assert (out / 'terms.txt').read_text().split() == ['bank', 'gold', 'silver']
    assert tool(*command, '--terms', 2, '--out', tmp_path / 'all') == 0
    assert not (tmp_path / 'all/labels.txt').exists()
    for options, message in (
        (['--only', 'metal', '--out', tmp_path / 'x'], '--only needs --label'),
        (['--terms', 0, '--out', tmp_path / 'x'], '--terms 0'),
        (['--out', tmp_path / 'all'], 'is there already'),
    ):
        with pytest.raises(UserError, match=message):
            tool(*command, *options)
