"""Weights of large classes, and predictors out of checkpoints."""

import pytest
import torch

from mmvisx.apis.few_shot_predictors import large_weights, load_predictor
from mmvisx.models.layers import ParameterPredictor
from mmvisx.utils import UserError
from tests.helpers.few_shot import bank_of, random_predictor


@pytest.mark.parametrize('expectation', ['inside', 'exact'])
def test_weights_of_large_classes(tmp_path, expectation):
    bank = bank_of(tmp_path / 'bank')
    predictor = random_predictor()
    found = large_weights(predictor, bank, expectation, p_mean=0.6)
    for k in range(4):
        samples = torch.from_numpy(bank.activations[bank.rows(k)])
        expected = predictor(samples.double().mean(dim=0).float())
        if expectation == 'exact':
            single = torch.stack([predictor(s) for s in samples]).mean(dim=0)
            expected = 0.6 * expected + 0.4 * single
        torch.testing.assert_close(found[k], expected, atol=1e-5, rtol=1e-5)
    with pytest.raises(UserError, match='expectation'):
        large_weights(predictor, bank, 'outside')
    with pytest.raises(UserError, match='6 channels, the predictor takes 5'):
        large_weights(ParameterPredictor(5), bank)


def test_predictors_from_checkpoints(tmp_path):
    predictor = ParameterPredictor(5, 2)
    state = {f'predictor.{k}': v + 1 for k, v in predictor.state_dict().items()}
    torch.save(dict(state_dict=state), tmp_path / 'phi.pth')
    loaded = load_predictor(tmp_path / 'phi.pth')
    assert {f'predictor.{k}': v.tolist() for k, v in loaded.state_dict().items()} == {
        k: v.tolist() for k, v in state.items()
    }
    torch.save(dict(state_dict={'fc.weight': torch.ones(2, 2)}), tmp_path / 'other.pth')
    with pytest.raises(UserError, match='no parameter predictor'):
        load_predictor(tmp_path / 'other.pth')
