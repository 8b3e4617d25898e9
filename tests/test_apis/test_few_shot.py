"""Banks of a real classifier, and a classifier that is taught."""

import shutil

import numpy as np
import pytest
import torch

from mmvisx.analysis.few_shot_rows import Known
from mmvisx.apis.build import build_model
from mmvisx.apis.few_shot_bank import bank_dataset, build_bank, fill_bank
from mmvisx.apis.few_shot_predictors import (
    child_row,
    last_layer,
)
from mmvisx.apis.few_shot_teach import TeachableClassifier
from mmvisx.datasets import ActivationBank
from mmvisx.utils import UserError
from tests.helpers.few_shot import (
    classifier_config,
    write_checkpoint,
    write_classes,
)


@pytest.fixture
def made(tmp_path):
    write_classes(tmp_path / 'images')
    cfg = classifier_config(tmp_path / 'images')
    return cfg, write_checkpoint(cfg, tmp_path / 'weights.pth'), tmp_path


def test_activations_times_weights_are_the_classifiers_logits(made):
    cfg, checkpoint, folder = made
    bank = build_bank(cfg, checkpoint, folder / 'bank', dtype='float32')
    model = build_model(cfg, checkpoint)
    logits = torch.from_numpy(bank.read(np.arange(12))) @ model.head.fc.weight.T
    loader = model.data_preprocessor
    images = [bank_dataset(cfg, 'train')[i] for i in range(12)]
    inputs = loader(dict(inputs=[i['inputs'] for i in images]))['inputs']
    expected = model(inputs, mode='tensor')
    expected = model.head((expected[-1],)) if isinstance(expected, tuple) else expected
    with torch.no_grad():
        torch.testing.assert_close(logits + model.head.fc.bias, expected, atol=1e-4, rtol=1e-4)
    assert bank.files[:2] == ['ant/0.png', 'ant/1.png']
    assert bank.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert bank.classes == ['ant', 'bee', 'cat']


def test_it_goes_on_where_it_was_killed(made, monkeypatch):
    cfg, checkpoint, folder = made
    monkeypatch.setattr('mmvisx.apis.few_shot_bank._RECORDED', 5)
    whole = build_bank(cfg, checkpoint, folder / 'whole')

    class Killed(BaseException):
        pass

    def kill(done, total):
        if done == 10:
            raise Killed

    with pytest.raises(Killed):
        build_bank(cfg, checkpoint, folder / 'part', report=kill)
    with pytest.raises(UserError, match='not complete'):
        ActivationBank(folder / 'part')
    seen = []
    part = build_bank(cfg, checkpoint, folder / 'part', report=lambda done, _: seen.append(done))
    assert seen[0] > 5  # the first five are not computed again
    np.testing.assert_array_equal(part.activations, whole.activations)
    np.testing.assert_array_equal(part.means, whole.means)


def other_weights(cfg, folder):
    state = torch.load(folder / 'weights.pth')
    state['state_dict']['backbone.conv1.weight'] += 1
    torch.save(state, folder / 'weights.pth')


def other_pipeline(cfg, folder):
    cfg.test_dataloader.dataset.pipeline.insert(1, dict(type='Resize', scale=16))


def other_norm(cfg, folder):
    cfg.data_preprocessor.mean = [0.0] * 3


def other_files(cfg, folder):
    shutil.copy(folder / 'images/ant/0.png', folder / 'images/bee/new.png')


STALE = {
    'weights': other_weights,
    'pipeline': other_pipeline,
    'pipeline, too': other_norm,
    'file list': other_files,
}


@pytest.mark.parametrize('what', STALE)
def test_a_stale_bank_is_refused(made, what):
    cfg, checkpoint, folder = made
    build_bank(cfg, checkpoint, folder / 'bank')
    STALE[what](cfg, folder)
    with pytest.raises(UserError, match=f'stale.* other {what.partition(",")[0]}:'):
        build_bank(cfg, checkpoint, folder / 'bank')


@pytest.mark.parametrize('what', ['weights', 'pipeline', 'pipeline, too'])
def test_a_stale_bank_teaches_nothing(made, what):
    cfg, checkpoint, folder = made
    build_bank(cfg, checkpoint, folder / 'bank')
    first = TeachableClassifier(cfg, checkpoint, folder / 'bank', show_progress=False, device='cpu')
    first.add_photos('dog', [folder / 'images/ant/0.png'])
    first.save(folder / 'taught.pth')
    again = TeachableClassifier(cfg, folder / 'taught.pth', show_progress=False, device='cpu')
    again.balance(folder / 'bank')  # the bank is of the weights that it was taught with
    STALE[what](cfg, folder)
    message = f'stale.* other {what.partition(",")[0]}:'
    with pytest.raises(UserError, match=message):
        TeachableClassifier(cfg, checkpoint, folder / 'bank', show_progress=False, device='cpu')
    build_bank(cfg, checkpoint, folder / 'new')
    with pytest.raises(UserError, match=message):
        first.refuse_unknown(folder / 'new')
    first.refuse_unknown(folder / 'bank')


def test_an_activation_that_is_not_finite(made):
    cfg, checkpoint, folder = made
    model = build_model(cfg, checkpoint)
    with torch.no_grad():
        model.backbone.conv1.weight.mul_(float('inf'))
    with pytest.raises(UserError, match=r'ant.0.png is not finite'):
        fill_bank(model, bank_dataset(cfg, 'train'), folder / 'bank')


def test_folders_and_types_that_do_not_fit(made):
    cfg, checkpoint, folder = made
    with pytest.raises(UserError, match='not empty and no bank'):
        build_bank(cfg, checkpoint, folder / 'images')
    with pytest.raises(UserError, match='float64'):
        build_bank(cfg, checkpoint, folder / 'bank', dtype='float64')


@pytest.fixture
def teacher(made):
    cfg, checkpoint, folder = made
    build_bank(cfg, checkpoint, folder / 'bank', dtype='float32')
    write_classes(folder / 'new', ('dog', 'elk'), each=3, seed=7)
    model = TeachableClassifier(cfg, checkpoint, folder / 'bank', show_progress=False, device='cpu')
    return model, folder


def photos(folder, name, count=3):
    return [folder / 'new' / name / f'{i}.png' for i in range(count)]


def test_taught_saved_loaded(teacher):
    model, folder = teacher
    model.add_photos('dog', photos(folder, 'dog'))
    model.add_photos('elk', photos(folder, 'elk', 1))
    model.add_photos('elk', photos(folder, 'elk')[1:])
    images = [str(folder / 'images/ant/0.png'), str(folder / 'new/elk/2.png')]
    found = model(images)['predictions']
    assert len(found[0]['labels']) == 5
    assert sorted(found[0]['label_names']) == ['ant', 'bee', 'cat', 'dog', 'elk']
    model.save(folder / 'taught.pth')
    again = TeachableClassifier(model.cfg, folder / 'taught.pth', show_progress=False, device='cpu')
    assert again(images)['predictions'] == found
    assert again.head.entries == model.head.entries
    assert [s['file'] for s in again.head.entries[1]['samples']] == ['0.png', '1.png', '2.png']
    again.add_photos('fox', photos(folder, 'dog')[:0] or [folder / 'images/bee/1.png'])
    assert again.classes[-1] == 'fox'


def test_its_own_photo_is_the_answer(teacher):
    model, folder = teacher
    model.add_photos('dog', photos(folder, 'dog'))
    activation = model.activations(photos(folder, 'dog')[:1])
    # Cosine similarity of an activation to itself, times its length
    scores = model.head.classify(activation)
    torch.testing.assert_close(scores[0, 3], activation.norm(), rtol=1e-5, atol=1e-5)
    assert scores.argmax() == 3


def test_classes_by_other_names(teacher):
    model, folder = teacher
    model.add_photos('dog', photos(folder, 'dog'))
    with pytest.raises(UserError, match="a class 'cat' already"):
        model.rename_category('dog', 'cat')
    assert model.classes == ('ant', 'bee', 'cat', 'dog')
    model.rename_category('dog', 'hound')
    assert model.classes == ('ant', 'bee', 'cat', 'hound')
    model.remove_category('hound')
    assert model.classes == ('ant', 'bee', 'cat')


def test_photos_that_are_refused(teacher):
    model, folder = teacher
    broken = folder / 'broken.png'
    broken.write_bytes(b'no image')
    shutil.copy(photos(folder, 'dog')[0], folder / 'copy.png')
    before = {k: v.clone() for k, v in model.model.state_dict().items()}
    cases = {
        'has no sample': [],
        'missing.png does not exist': [folder / 'missing.png'],
        'broken.png': [photos(folder, 'dog')[0], broken],
        'same file as 0.png': [photos(folder, 'dog')[0], folder / 'copy.png'],
    }
    for message, given in cases.items():
        with pytest.raises(UserError, match=message):
            model.add_photos('dog', given)
    with pytest.raises(UserError, match="'cat' is a class"):
        model.add_photos('cat', photos(folder, 'dog'))
    after = model.model.state_dict()
    assert all(torch.equal(v, after[k]) for k, v in before.items())
    assert model.classes == ('ant', 'bee', 'cat')


def test_without_a_bank(made):
    cfg, checkpoint, _ = made
    with pytest.raises(UserError, match='was not taught yet'):
        TeachableClassifier(cfg, checkpoint, show_progress=False)


def test_a_photo_that_does_not_belong(teacher):
    model, folder = teacher
    model.add_photos('dog', photos(folder, 'dog'))
    wrong = [*photos(folder, 'elk', 2), folder / 'images/cat/3.png']
    doubts = model.add_photos('elk', wrong)
    # By hand: which photo is more like another class's mean than like its siblings?
    own = torch.nn.functional.normalize(model.activations(wrong), dim=1)
    dogs = torch.nn.functional.normalize(model.activations(photos(folder, 'dog')), dim=1).mean(0)
    others = torch.cat([model.head.large_mean, dogs[None]])
    expected = []
    for k in range(3):
        siblings = own[[i for i in range(3) if i != k]].mean(dim=0)
        alike = torch.cosine_similarity(others, own[k][None])
        if alike.max() > torch.cosine_similarity(siblings, own[k], dim=0):
            name = ('ant', 'bee', 'cat', 'dog')[alike.argmax()]
            expected.append(f"{wrong[k].name} of 'elk' looks more like {name!r} than its siblings")
    assert doubts == expected
    assert any(line.startswith('3.png') for line in expected)


def test_the_layer_that_was_learnt(teacher):
    model, _ = teacher
    assert last_layer(model.model) is model.head.before.fc
    with pytest.raises(UserError, match='no linear layer'):
        last_layer(torch.nn.Conv2d(1, 1, 1))


def test_balance_and_none_of_these_are_kept(teacher):
    model, folder = teacher
    model.add_photos('dog', photos(folder, 'dog', 1))
    offset = model.balance(folder / 'bank')
    assert model.head.offset.item() == pytest.approx(offset)
    assert 'AUROC' in model.refuse_unknown(folder / 'bank')
    assert model.head.threshold.item() > 0
    model.head.threshold.fill_(1.01)  # more than a cosine can be
    model.head.offset.fill_(0)
    picture = str(folder / 'images/ant/0.png')
    assert model(picture)['predictions'][0]['known'] is False
    model.save(folder / 'taught.pth')
    again = TeachableClassifier(model.cfg, folder / 'taught.pth', show_progress=False, device='cpu')
    assert again(picture)['predictions'][0]['known'] is False
    again.head.threshold.fill_(-1)
    assert again(picture)['predictions'][0]['known'] is True


def test_the_row_that_trains_the_classifiers_layer(made):
    cfg, checkpoint, folder = made
    bank = build_bank(cfg, checkpoint, folder / 'bank', dtype='float32')
    row = child_row(bank, cfg, checkpoint)
    activations = bank.read(np.arange(len(bank)))
    scores = row(Known(activations, bank.labels, bank.means, activations[None, :1] * 2))(
        activations
    )
    fc = build_model(cfg, checkpoint).head.fc
    with torch.no_grad():
        expected = fc(torch.from_numpy(activations)).numpy()
    np.testing.assert_allclose(scores[:, :3], expected, atol=1e-4)
    assert scores.shape == (12, 4)
    other_weights(cfg, folder)
    with pytest.raises(UserError, match=r'stale.* other weights'):
        child_row(bank, cfg, checkpoint)
