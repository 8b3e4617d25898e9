"""Classifying images: the Python API, demo/image_demo.py, and their pictures."""

import importlib.util
import json
import sys

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvisx.apis import ClassificationInferencer
from mmvisx.apis.build import build_model
from mmvisx.utils import UserError

NAMES = ('blue', 'green', 'red')


@pytest.fixture(scope='module')
def config(repo, tmp_path_factory):
    """The tiny classifier without mean and spread, so that its inputs are known."""
    cfg = Config.fromfile(repo / 'tests' / 'data' / 'tiny_classifier.py')
    path = tmp_path_factory.mktemp('config') / 'tiny.py'
    cfg.dump(path)
    return path


@pytest.fixture(scope='module')
def model(config):
    torch.manual_seed(0)
    model = build_model(Config.fromfile(config))
    torch.nn.init.normal_(model.head.fc.weight, std=3.0)
    return model


@pytest.fixture(scope='module')
def checkpoint(config, model):
    path = config.with_name('weights.pth')
    meta = dict(dataset_meta=dict(classes=NAMES))
    torch.save(dict(state_dict=model.state_dict(), meta=meta), path)
    return path


@pytest.fixture
def photos(tmp_path):
    """Two images and one that is cut off."""
    folder, random = tmp_path / 'photos', np.random.default_rng(0)
    folder.mkdir()
    for name in ('a', 'b', 'c'):
        picture = random.integers(0, 255, (16, 16, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f'{name}.png'), picture)
    (folder / 'b.png').write_bytes((folder / 'b.png').read_bytes()[:90])
    return folder


def test_scores_are_the_networks_own(config, checkpoint, model, photos):
    inferencer = ClassificationInferencer(config, checkpoint, 'cpu')
    image = cv2.imread(str(photos / 'a.png')).transpose(2, 0, 1)
    with torch.no_grad():
        logits = model((torch.from_numpy(image)[None].float() - 127.5) / 60)[0]
    exact = torch.softmax(logits, dim=0).tolist()
    (prediction,) = inferencer(photos / 'a.png')['predictions']
    order = sorted(range(3), key=lambda k: -exact[k])
    assert prediction['labels'] == order
    assert prediction['label_names'] == [NAMES[k] for k in order]
    assert prediction['scores'] == pytest.approx([exact[k] for k in order], abs=1e-5)
    (best,) = inferencer(photos / 'a.png', top_k=1)['predictions']
    assert best['labels'] == order[:1]


def test_batches_and_broken_files(config, checkpoint, photos):
    inferencer = ClassificationInferencer(config, checkpoint, 'cpu')
    with pytest.raises(UserError, match=r'b\.png'):
        inferencer(photos)
    found = inferencer(photos, batch_size=2, skip_unreadable=True)['predictions']
    assert [p['img_path'][-5:] for p in found] == ['a.png', 'c.png']
    assert [path[-5:] for path, _ in inferencer.failed] == ['b.png']
    for name in ('batch_size', 'top_k'):
        with pytest.raises(UserError, match=f'{name}=0 should be'):
            inferencer(photos, **{name: 0})


def test_other_models(tiny_config, checkpoint):
    with pytest.raises(UserError, match=r"'mmdet' .* not a classifier"):
        ClassificationInferencer(tiny_config, checkpoint)


@pytest.fixture
def demo(repo, monkeypatch):
    def call(*arguments):
        spec = importlib.util.spec_from_file_location('demo', repo / 'demo' / 'image_demo.py')
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        monkeypatch.setattr(sys, 'argv', ['image_demo.py', *map(str, arguments)])
        return module.main()

    return call


def test_demo(demo, config, checkpoint, photos, tmp_path, capsys):
    out = tmp_path / 'out'
    assert demo(photos, config, checkpoint, '--out-dir', out, '--top-k', 2, '--device', 'cpu') == 1
    printed = capsys.readouterr()
    assert '2 images' in printed.out
    assert 'b.png' in printed.err
    content = json.loads((out / 'preds' / 'a.png.json').read_text())
    assert len(content['scores']) == len(content['label_names']) == 2
    drawn = cv2.imread(str(out / 'vis' / 'a.png.png'))
    # 16 pixels are enlarged by a whole number, and the classes stand beside them.
    assert drawn.shape[0] >= 224
    factor = 14
    image = cv2.imread(str(photos / 'a.png')).repeat(factor, axis=0).repeat(factor, axis=1)
    assert np.array_equal(drawn[:224, :224], image)
    assert (drawn[:, 224:].min(axis=2) < 100).sum() > 100
