"""Reading checkpoints, and refusing those of another model."""

import pytest
import torch
from torch import nn

from mmvisx.utils import UserError
from mmvisx.utils.checkpoint import load_weights, read_checkpoint


def model(width=8, classes=3):
    return nn.Sequential(nn.Linear(4, width), nn.BatchNorm1d(width), nn.Linear(width, classes))


@pytest.fixture
def path(tmp_path):
    target = tmp_path / 'epoch_1.pth'
    torch.save({'state_dict': model().state_dict(), 'meta': {}}, target)
    return target


def test_round_trip(path):
    target = model()
    state = {f'module.{k}': v for k, v in read_checkpoint(path)['state_dict'].items()}
    fit = load_weights(target, {'state_dict': state}, path)
    assert fit.exact
    assert fit.loaded == fit.total
    assert torch.equal(target[0].weight, state['module.0.weight'])


def test_missing_file_suggests_a_neighbour(path):
    with pytest.raises(UserError, match=r'epoch_2\.pth does not exist.*epoch_1\.pth'):
        read_checkpoint(path.with_name('epoch_2.pth'))


def test_truncated_file(path):
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match=r'epoch_1\.pth is cut off'):
        read_checkpoint(path)


def test_empty_file(path):
    path.write_bytes(b'')
    with pytest.raises(UserError, match='is empty'):
        read_checkpoint(path)


def test_not_a_checkpoint(path):
    path.write_text('hello, this is a text')
    with pytest.raises(UserError, match='is not a PyTorch checkpoint'):
        read_checkpoint(path)


def test_pickle_without_weights(path):
    torch.save({'a': 1}, path)
    with pytest.raises(UserError, match='holds no weights'):
        read_checkpoint(path)


def test_folder(tmp_path):
    with pytest.raises(UserError, match='is a folder'):
        read_checkpoint(tmp_path)


def test_exact_refuses_another_shape(path):
    with pytest.raises(UserError, match=r'2\.weight \(3, 8\) for \(5, 8\)'):
        load_weights(model(classes=5), read_checkpoint(path), path)


def test_exact_refuses_missing_and_unexpected(path):
    bigger = nn.Sequential(*model(), nn.Linear(3, 3))
    with pytest.raises(UserError, match=r'2 missing in the checkpoint: 3\.weight, 3\.bias'):
        load_weights(bigger, read_checkpoint(path), path)
    with pytest.raises(UserError, match=r'2 unknown to the model: 2\.weight, 2\.bias'):
        load_weights(model()[:2], read_checkpoint(path), path)


def test_finetune_accepts_another_head(path):
    target = model(width=8, classes=2)
    checkpoint = read_checkpoint(path)
    fit = load_weights(target, checkpoint, path, 'finetune')
    assert len(fit.mismatched) == 2
    assert torch.equal(target[0].weight, checkpoint['state_dict']['0.weight'])


def test_finetune_refuses_another_model(path):
    with pytest.raises(UserError, match='another model'):
        load_weights(model(width=16), read_checkpoint(path), path, 'finetune')
    load_weights(model(width=16), read_checkpoint(path), path, 'partial')


def test_buffers_that_a_module_fills_itself_are_not_missing(path):
    class Derived(nn.Linear):
        def __init__(self):
            super().__init__(4, 8)
            self.register_buffer('gamma', torch.zeros(8))

        def _load_from_state_dict(self, state, prefix, meta, strict, missing, *rest):
            super()._load_from_state_dict(state, prefix, meta, strict, missing, *rest)
            if f'{prefix}gamma' in missing:
                missing.remove(f'{prefix}gamma')

    target = nn.Sequential(Derived(), *model()[1:])
    assert load_weights(target, read_checkpoint(path), path).exact
