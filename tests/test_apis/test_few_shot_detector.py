"""A bank of a detector's boxes, and a detector that is taught."""

import copy
import json

import numpy as np
import pytest
import torch
from mmdet.structures.bbox import bbox_overlaps
from mmengine.config import Config
from PIL import Image

from mmvisx.apis.few_shot_box_bank import build_box_bank, trained_flips
from mmvisx.apis.few_shot_detector import TeachableDetector
from mmvisx.apis.inference import Inferencer
from mmvisx.cli.test import main as run_test
from mmvisx.datasets.classification.few_shot_bank import ActivationBank, write_bank
from mmvisx.utils import UserError
from tests.helpers.few_shot_boxes import LARGE, detector_weights, held_out_boxes, shapes_without
from tests.helpers.loggers import forget_loggers


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp('taught')
    cfg = shapes_without(folder / 'shapes', 'crescent')
    checkpoint = detector_weights(cfg, folder / 'weights.pth')
    build_box_bank(cfg, checkpoint, folder / 'bank')
    return cfg, checkpoint, folder


@pytest.fixture
def teacher(made):
    cfg, checkpoint, folder = made
    model = TeachableDetector(
        cfg, checkpoint, folder / 'bank', device='cpu', show_progress=False, shots=2
    )
    return model, held_out_boxes(folder / 'shapes', 4, 'crescent')['crescent']


def classifier(model):
    return model.model.roi_head.bbox_head.fc_cls


def test_a_bank_of_boxes_and_of_background(made):
    cfg, checkpoint, folder = made
    bank = ActivationBank(folder / 'bank')
    assert bank.classes == [*LARGE, 'background']
    boxes = {}
    for row, label in zip(bank.files, bank.labels, strict=True):
        name, *edges = row.split(' ')
        boxes.setdefault(name, []).append((label, [float(v) for v in edges]))
    for found in boxes.values():
        labels = torch.tensor([label for label, _ in found])
        edges = torch.tensor([edge for _, edge in found])
        objects, away = edges[labels < 5], edges[labels == 5]
        assert 0 < len(away) <= 3 * len(objects)
        assert bbox_overlaps(away, objects).max() < 0.51  # written with a decimal
    with pytest.raises(UserError, match='a bank already'):
        build_box_bank(cfg, checkpoint, folder / 'bank')


def unmirrored(made):
    """Return a detector whose training mirrors no image."""
    cfg, checkpoint, folder = made
    cfg = copy.deepcopy(cfg)  # shared with other tests
    pipeline = cfg.train_dataloader.dataset.pipeline
    cfg.train_dataloader.dataset.pipeline = [
        step for step in pipeline if step['type'] != 'mmdet.RandomFlip'
    ]
    bank = folder / 'bank'
    return TeachableDetector(cfg, checkpoint, bank, device='cpu', show_progress=False, shots=2)


def test_activations_are_what_the_last_layer_gets(made):
    model = unmirrored(made)
    bank = ActivationBank(made[2] / 'bank')
    name, *edges = bank.files[0].split(' ')
    scale = 128 / 64  # of the images to the size that the network sees
    box = [float(v) / scale for v in edges]
    found = model.activations([(made[2] / 'shapes/coco/train' / name, box)])
    torch.testing.assert_close(found, torch.from_numpy(bank.read(np.arange(1))), rtol=0.02, atol=0)


def test_activations_are_the_mean_over_mirrored_views(made, teacher, tmp_path):
    model, boxes = teacher
    plain = unmirrored(made)
    for photo, (x1, y1, x2, y2) in boxes:
        image = np.asarray(Image.open(photo))
        height, width = image.shape[:2]
        across, down = (width - x2, width - x1), (height - y2, height - y1)
        views = {
            'as it is': (image, (x1, y1, x2, y2)),
            'horizontal': (image[:, ::-1], (across[0], y1, across[1], y2)),
            'vertical': (image[::-1], (x1, down[0], x2, down[1])),
            'diagonal': (image[::-1, ::-1], (across[0], down[0], across[1], down[1])),
        }
        files = []
        for name, (view, box) in views.items():
            files.append((tmp_path / f'{name}.png', box))
            Image.fromarray(np.ascontiguousarray(view)).save(files[-1][0])
        expected = plain.activations(files)
        assert (expected[0] - expected[1]).abs().max() > 0.01
        found = model.activations([(photo, (x1, y1, x2, y2))])
        torch.testing.assert_close(found[0], expected.mean(dim=0), rtol=1e-3, atol=1e-3)


def test_directions_that_the_training_mirrors():
    def cfg(**dataset):
        return Config(dict(train_dataloader=dict(dataset=dataset)))

    def pipeline(**flip):
        return [dict(type='LoadImageFromFile'), dict(type='mmdet.RandomFlip', **flip)]

    assert trained_flips(Config()) == ()
    assert trained_flips(cfg(pipeline=pipeline(prob=0.5))) == ('horizontal',)
    assert trained_flips(cfg(pipeline=pipeline(prob=0.0))) == ()
    several = pipeline(prob=[0.2, 0.3], direction=['vertical', 'horizontal'])
    inner = dict(type='Wrapper', dataset=dict(pipeline=several), pipeline=pipeline(prob=0.1))
    assert trained_flips(cfg(**inner)) == ('vertical', 'horizontal')


def test_old_logits_stay_and_removing_restores(teacher):
    model, boxes = teacher
    regions = torch.rand(50, 128)
    before = {k: v.clone() for k, v in model.model.state_dict().items()}
    old = classifier(model)(regions)
    assert old.shape == (50, 6)
    model.add_boxes('crescent', boxes[:3])
    model.add_boxes('moon', boxes[3:])
    new = classifier(model)(regions)
    assert new.shape == (50, 8)
    torch.testing.assert_close(new[:, [0, 1, 2, 3, 4, 7]], old, rtol=0, atol=1e-6)
    model.remove_category('crescent')
    only = classifier(model)(regions)
    torch.testing.assert_close(only[:, 5], new[:, 6], rtol=0, atol=1e-6)
    model.remove_category('moon')
    after = model.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(v, after[k]) for k, v in before.items())
    assert model.classes == LARGE


def test_a_new_logit_by_hand(teacher, made):
    model, boxes = teacher
    model.add_boxes('crescent', boxes)
    layer = classifier(model)
    centre = layer.centre.double()
    samples = model.activations(boxes).double() - centre
    weights = samples.mean(dim=0) / samples.mean(dim=0).norm()
    regions = torch.rand(9, 128)
    cosines = (regions.double() - centre) @ weights
    expected = float(layer.scale) * cosines + float(layer.bias)
    found = layer(regions)[:, 5].double()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert float(layer.scale) != 1  # it was fitted
    means = ActivationBank(made[2] / 'bank').means
    np.testing.assert_allclose(centre, (means[:5].mean(axis=0) + means[5]) / 2, rtol=1e-5)


def test_saved_it_is_tested_and_predicts_alike(teacher, made, tmp_path):
    model, boxes = teacher
    cfg = made[0]
    model.add_boxes('crescent', boxes[:1])
    model.add_boxes('crescent', boxes[1:3])
    model.rename_category('crescent', 'moon')
    model.rename_category('moon', 'crescent')
    assert model.classes == (*LARGE, 'crescent')
    image = str(boxes[0][0])
    found = model(image)['predictions'][0]
    assert 'crescent' in found['label_names']
    model.save(tmp_path / 'taught.pth')
    again = Inferencer(cfg, tmp_path / 'taught.pth', device='cpu', show_progress=False)
    seen = again(image)['predictions'][0]
    assert seen['label_names'] == found['label_names']
    np.testing.assert_allclose(seen['scores'], found['scores'], atol=1e-5)
    more = TeachableDetector(cfg, tmp_path / 'taught.pth', device='cpu', show_progress=False)
    assert more.head.entries == model.head.entries
    more.add_boxes('moon', boxes[3:])
    assert more.classes == (*LARGE, 'crescent', 'moon')


def test_in_the_test_command(teacher, made, tmp_path, monkeypatch):
    model, boxes = teacher
    model.add_boxes('crescent', boxes)
    model.save(tmp_path / 'taught.pth')
    cfg = made[0].copy()
    cfg.test_dataloader.dataset.metainfo = dict(classes=(*LARGE, 'crescent'))
    cfg.dump(tmp_path / 'six.py')
    files = [str(tmp_path / name) for name in ('six.py', 'taught.pth', 'w', 'metrics.json')]
    words = [*files[:2], '--work-dir', files[2], '--out', files[3]]
    monkeypatch.setattr('sys.argv', ['test.py', *words])
    run_test()
    forget_loggers()
    metrics = json.loads((tmp_path / 'metrics.json').read_text())
    assert {f'coco/bbox_AP_{name}' for name in (*LARGE, 'crescent')} <= set(metrics)


def test_boxes_that_are_refused(teacher, tmp_path):
    model, boxes = teacher
    (image, box), other = boxes[0], boxes[1]
    before = {k: v.clone() for k, v in model.model.state_dict().items()}
    broken = tmp_path / 'broken.png'
    broken.write_bytes(b'no image')
    cases = {
        'has no sample': [],
        'missing.png does not exist': [(tmp_path / 'missing.png', box)],
        'broken.png': [other, (broken, box)],
        'box outside the image.* of 64 x 64 pixels': [(image, (70, 10, 90, 30))],
        'box reaches out of the image': [(image, (50, 10, 90, 30))],
        'box of no area': [(image, (10, 10, 10, 30))],
        'four finite numbers': [(image, (10, 10, float('nan'), 30))],
        'is not x1, y1, x2, y2': [(image, (10, 10, 30))],
        'is given twice': [boxes[0], boxes[0]],
    }
    for message, given in cases.items():
        with pytest.raises(UserError, match=message):
            model.add_boxes('crescent', given)
    with pytest.raises(UserError, match="'star' is a class that was trained"):
        model.add_boxes('star', boxes)
    with pytest.raises(UserError, match='no added class'):
        model.remove_category('crescent')
    after = model.model.state_dict()
    assert all(torch.equal(v, after[k]) for k, v in before.items())
    model.add_boxes('crescent', boxes)
    with pytest.raises(UserError, match="class 'star' already"):
        model.rename_category('crescent', 'star')


def test_detectors_and_banks_that_do_not_fit(made, tmp_path):
    cfg, checkpoint, folder = made
    with pytest.raises(UserError, match='was not taught yet'):
        TeachableDetector(cfg, checkpoint, show_progress=False)
    rng = np.random.default_rng(0)
    write_bank(tmp_path / 'bank', rng.random((6, 128), np.float32), np.arange(6), list('abcdef'))
    with pytest.raises(UserError, match=r'stale.* other weights'):
        TeachableDetector(cfg, checkpoint, tmp_path / 'bank', show_progress=False)
    apart = cfg.copy()
    apart.model.roi_head.bbox_head.reg_class_agnostic = False
    weights = detector_weights(apart, tmp_path / 'apart.pth')
    with pytest.raises(UserError, match='reg_class_agnostic=True'):
        build_box_bank(apart, weights, tmp_path / 'no')
    with pytest.raises(UserError, match='reg_class_agnostic=True'):
        TeachableDetector(apart, weights, folder / 'bank', show_progress=False)
