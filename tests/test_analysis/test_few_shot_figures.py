"""Balance, unknown images, impacts and embeddings: numbers by loops, pictures that are written."""

import numpy as np
import pytest
import torch
from PIL import Image

from mmvisx.analysis import Balance, Impact, Unknown, WeightEmbedding
from mmvisx.analysis.few_shot_balance import trade_off
from mmvisx.analysis.few_shot_rows import class_mean, predicted
from mmvisx.cli.analysis.few_shot_balance import main as balance_command
from mmvisx.models.layers import ParameterPredictor
from mmvisx.utils import UserError
from tests.helpers.few_shot import bank_of


def test_trade_off_by_hand():
    # Of two large classes and a few one; the images' lengths are 1 and 2
    scores = np.array([[1.0, 0.5, 0.8], [1.0, 0.0, 0.7]])
    curve = trade_off(scores, np.array([1.0, 2.0]), np.array([0, 2]), 2, (0.0, 0.16, 0.3))
    assert curve.large.tolist() == [100, 100, 0]  # 0.8 + 0.3 > 1
    assert curve.few.tolist() == [0, 100, 100]  # 0.7 + 2 * 0.16 > 1
    assert curve.best == 0.16


def test_balance_draws_no_image_twice(tmp_path):
    bank = bank_of(tmp_path / 'bank', classes=10, each=6, spread=1.0)
    seen = []

    def spy(known):
        seen.append(known)
        score = class_mean(known)

        def watched(queries):
            used = np.concatenate([known.activations, known.support.reshape(-1, 6)])
            assert not (queries[:, None] == used).all(axis=2).any()
            assert len(used) + len(queries) <= len(bank)
            return score(queries)

        return watched

    curve = Balance(pseudo=0.3, shots=2, draws=3).measure(bank, spy)
    assert [k.support.shape for k in seen] == [(3, 2, 6)] * 3
    assert [len(k.means) for k in seen] == [7] * 3
    assert (np.diff(curve.large) <= 1e-9).all()  # the more for the few, the less for the large
    assert (np.diff(curve.few) >= -1e-9).all()
    assert curve.large[0] > curve.large[-1]
    picture = Balance().draw({'class mean': curve}, tmp_path / 'curve.png')
    assert Image.open(picture).size[0] > 300


def test_unknown_images(tmp_path):
    bank = bank_of(tmp_path / 'bank', classes=8, each=10, channels=16, spread=0.2)
    row = predicted(ParameterPredictor(16, 1))
    found = Unknown(share=0.25, keep=0.9).measure(bank, row)
    assert 0.9 < found.auroc <= 1  # directions of their own, little noise
    assert found.refused > 0.5
    noise = bank_of(tmp_path / 'noise', classes=8, each=10, channels=16, spread=3.0)
    assert Unknown(share=0.25).measure(noise, row).auroc < found.auroc
    assert f'{found.auroc:.3f}' in Unknown(keep=0.9).draw(found)


def test_impact_of_the_same_matrix(tmp_path):
    torch.manual_seed(0)
    weight = torch.randn(8, 8)
    found = Impact().measure(weight.abs().flip(1), weight)
    assert found.overlap[-1] == 1
    assert found.overlap[0] in (0, 1)
    assert (Impact().measure(weight, -weight).overlap == 1).all()
    assert Image.open(Impact().draw(found, tmp_path / 'impact.png')).size[0] > 600
    with pytest.raises(UserError, match='takes 8 channels, the classifier 5'):
        Impact().measure(weight, torch.randn(8, 5))


def test_embeddings_of_the_same_classes(tmp_path):
    means = bank_of(tmp_path / 'bank', classes=30).means
    analysis = WeightEmbedding(perplexity=5)
    same = analysis.measure(means, 3 * means)
    assert same.agreement == 1
    other = np.random.default_rng(0).normal(size=means.shape)
    assert analysis.measure(means, other).agreement < 0.7
    names = [f'class {k}' for k in range(30)]
    picture = analysis.draw(same, names, {'first': names[:4]}, tmp_path / 'tsne.png')
    assert Image.open(picture).size[0] > 600
    with pytest.raises(UserError, match="'class 31'"):
        analysis.draw(same, names, {'first': ['class 31']}, tmp_path / 'tsne.png')
    with pytest.raises(UserError, match='30 classes are too few'):
        WeightEmbedding(perplexity=30).measure(means, means)


@pytest.mark.parametrize(
    'make', [lambda: Balance(pseudo=1), lambda: Unknown(share=0), lambda: Unknown(keep=1.5)]
)
def test_shares_that_make_no_sense(make):
    with pytest.raises(UserError, match=r'share|between'):
        make()


def test_balance_command(tmp_path, monkeypatch, capsys):
    bank = bank_of(tmp_path / 'bank', classes=10, each=6, spread=1.0)
    out = tmp_path / 'curve.png'
    argv = ['x', '--bank', str(bank.folder), '--draws', '2', '--out', str(out)]
    monkeypatch.setattr('sys.argv', argv)
    balance_command()
    curve = Balance(draws=2).measure(bank, predicted(ParameterPredictor(6)))
    text = capsys.readouterr().out
    assert f'offset {curve.best:+.3f}' in text
    assert f'{curve.large[30]:.1f} / {curve.few[30]:.1f} without it' in text  # of 61 offsets
    assert Image.open(out).size[0] > 300
