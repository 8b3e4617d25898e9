"""Banks of activations: what is drawn from them, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from mmvisx.datasets import ActivationBank, BankBatches, StatisticSets
from mmvisx.datasets.classification.few_shot_bank import RECORD, write_bank
from mmvisx.utils import UserError
from tests.helpers.few_shot import bank_of, made_up


def test_means_and_rows(tmp_path):
    activations, labels = made_up()
    bank = bank_of(tmp_path / 'bank')
    assert (len(bank), bank.channels, len(bank.classes)) == (len(labels), 6, 4)
    for k in range(4):
        assert bank.rows(k).tolist() == np.flatnonzero(labels == k).tolist()
        expected = activations[labels == k].astype(np.float64).mean(axis=0)
        np.testing.assert_allclose(bank.means[k], expected, rtol=1e-12)


def test_spread_of_classes(tmp_path, monkeypatch):
    bank = bank_of(tmp_path / 'bank')
    found = []
    for row, label in zip(bank.activations, bank.labels, strict=True):
        mean = bank.means[label]
        found.append(row @ mean / np.linalg.norm(row) / np.linalg.norm(mean))
    assert bank.spread == pytest.approx(np.median(found))
    # It is kept: nothing is read for it
    monkeypatch.setattr(bank, 'activations', None)
    assert bank.spread == pytest.approx(np.median(found))
    record = json.loads((bank.folder / RECORD).read_text())
    del record['spread']  # as before it was kept
    (bank.folder / RECORD).write_text(json.dumps(record))
    assert ActivationBank(bank.folder).spread == pytest.approx(np.median(found))


def test_half_precision_is_read_as_single(tmp_path):
    activations, labels = made_up()
    names = [str(k) for k in range(4)]
    bank = write_bank(tmp_path / 'bank', activations.astype(np.float16), labels, names)
    assert bank.activations.dtype == np.float16
    assert bank.read(np.array([3, 1])).dtype == np.float32
    assert bank.means.dtype == np.float64
    np.testing.assert_allclose(bank.read(np.arange(len(labels))), activations, rtol=1e-3)


def test_each_image_of_a_class_is_as_likely(tmp_path):
    bank = bank_of(tmp_path / 'bank')
    rng = np.random.default_rng(0)
    draws = np.stack([bank.draw(rng) for _ in range(10_000)])
    assert (bank.labels[draws] == np.arange(4)).all()
    for k in range(4):
        rows, counts = np.unique(draws[:, k], return_counts=True)
        n = len(bank.rows(k))
        assert len(rows) == n
        assert np.abs(counts / 10_000 - 1 / n).max() < 4 * np.sqrt((1 / n) * (1 - 1 / n) / 10_000)


@pytest.mark.parametrize('p_mean', [0.0, 0.3, 0.9, 1.0])
def test_p_mean_is_met(tmp_path, p_mean):
    bank = bank_of(tmp_path / 'bank')
    sets = StatisticSets(bank.folder, steps=10_000, p_mean=p_mean)
    means = bank.means.astype(np.float32)
    share = np.mean([(sets[i]['statistics'].numpy() == means).all(axis=1) for i in range(10_000)])
    assert abs(share - p_mean) <= 0.01


def test_statistics_are_the_mean_or_an_image_of_their_class(tmp_path):
    bank = bank_of(tmp_path / 'bank')
    sets = StatisticSets(bank.folder, steps=50, p_mean=0.5)
    for i in range(50):
        item = sets[i]
        for k in range(4):
            own = bank.activations[bank.rows(k)]
            allowed = np.concatenate([own, bank.means[k : k + 1].astype(np.float32)])
            assert (allowed == item['statistics'][k].numpy()).all(axis=1).any()
            assert (own == item['activations'][k].numpy()).all(axis=1).any()
        assert item['labels'].tolist() == [0, 1, 2, 3]


def test_items_are_their_own_and_repeat(tmp_path):
    folder = bank_of(tmp_path / 'bank').folder
    sets, again = (StatisticSets(folder, steps=5, p_mean=0, seed=3) for _ in range(2))
    assert all((sets[i]['statistics'] == again[i]['statistics']).all() for i in (3, 0, 4))
    assert (sets[0]['statistics'] != sets[1]['statistics']).any()
    other = StatisticSets(folder, steps=5, p_mean=0, seed=4)
    assert any((sets[i]['statistics'] != other[i]['statistics']).any() for i in range(5))


def test_classes_of_one_image(tmp_path):
    write_bank(tmp_path / 'bank', np.eye(3, dtype=np.float32), np.arange(3), ['a', 'b', 'c'])
    item = StatisticSets(tmp_path / 'bank', steps=1, p_mean=0.5)[0]
    assert item['statistics'].tolist() == np.eye(3).tolist() == item['activations'].tolist()


def test_batches_of_all_images(tmp_path):
    train, test = bank_of(tmp_path / 'a'), bank_of(tmp_path / 'b', seed=1)
    batches = BankBatches(test.folder, train.folder, batch_size=10)
    items = [batches[i] for i in range(len(batches))]
    assert [len(item['labels']) for item in items] == [10, 10, 6]
    labels = np.concatenate([item['labels'] for item in items])
    assert labels.tolist() == test.labels.tolist()
    np.testing.assert_array_equal(
        np.concatenate([i['activations'] for i in items]), test.activations
    )
    np.testing.assert_allclose(items[0]['statistics'], train.means, rtol=1e-6)


def test_banks_that_do_not_fit(tmp_path):
    bank_of(tmp_path / 'a'), bank_of(tmp_path / 'b', classes=5)
    with pytest.raises(UserError, match='has 5 classes and 6 channels'):
        BankBatches(tmp_path / 'b', tmp_path / 'a')


@pytest.mark.parametrize('p_mean', [-0.1, 1.1, float('nan')])
def test_p_mean_is_a_probability(tmp_path, p_mean):
    bank_of(tmp_path / 'bank')
    with pytest.raises(UserError, match='from 0 to 1'):
        StatisticSets(tmp_path / 'bank', steps=1, p_mean=p_mean)
    with pytest.raises(UserError, match='steps=0'):
        StatisticSets(tmp_path / 'bank', steps=0)


def test_folders_that_are_no_bank(tmp_path):
    with pytest.raises(UserError, match='no bank of activations'):
        ActivationBank(tmp_path)
    folder = bank_of(tmp_path / 'bank').folder
    record = json.loads((folder / RECORD).read_text())
    (folder / RECORD).write_text(json.dumps(dict(record, complete=False, done=3)))
    with pytest.raises(UserError, match=r'not complete .3 of 26 images'):
        ActivationBank(folder)
    (folder / RECORD).write_text('{')
    with pytest.raises(UserError, match='JSONDecodeError'):
        ActivationBank(folder)


def test_a_class_without_image(tmp_path):
    activations, labels = made_up(3)
    with pytest.raises(UserError, match=r"class 'd' of .* has no image"):
        write_bank(tmp_path / 'bank', activations, labels, ['a', 'b', 'c', 'd'])
    assert not (tmp_path / 'bank').exists()
    # Of a bank that was written by others
    bank = write_bank(tmp_path / 'bank', activations, labels, ['a', 'b', 'c'])
    np.save(tmp_path / 'bank/labels.npy', np.minimum(labels, 1))
    with pytest.raises(UserError, match=r"class 'c' of .* has no image"):
        ActivationBank(bank.folder)


def test_not_finite(tmp_path):
    activations, labels = made_up(3)
    activations[4, 2] = np.nan
    with pytest.raises(UserError, match='NaN'):
        write_bank(tmp_path / 'bank', activations, labels, ['a', 'b', 'c'])
    assert not (tmp_path / 'bank').exists()


def test_a_bank_is_not_overwritten(tmp_path):
    bank = bank_of(tmp_path / 'bank')
    with pytest.raises(UserError, match='holds a bank already'):
        bank_of(tmp_path / 'bank', seed=1)
    np.testing.assert_array_equal(ActivationBank(tmp_path / 'bank').activations, bank.activations)


@pytest.mark.skipif(not Path('/proc/self/status').exists(), reason='memory is read from Linux')
def test_a_long_training_does_not_hold_the_bank(tmp_path):
    """Linux may map 2 MiB around a row of 4 KiB: few rows would hold the whole file."""
    rng = np.random.default_rng(0)
    activations = rng.integers(0, 9, (16_000, 2048)).astype(np.float16)
    bank = write_bank(tmp_path / 'bank', activations, np.arange(16_000) % 4, list('abcd'))

    def mapped():
        status = Path('/proc/self/status').read_text().splitlines()
        return next(int(s.split()[1]) for s in status if s.startswith('RssFile')) / 1024  # MiB

    before = mapped()
    for _ in range(50):
        rows = rng.integers(0, 16_000, 50)
        np.testing.assert_array_equal(bank.read(rows), activations[rows])
    assert mapped() - before < 20  # of 62.5
