"""``mmvisx replay``: a detector's bad step again, with its random sampling, from the file alone."""

import pytest
import torch

from mmvisx.cli.replay import main as replay
from mmvisx.utils import UserError


@pytest.fixture(scope='module')
def record(tool, tiny_config, tiny_coco, tmp_path_factory):
    """The file of a training whose loss of boxes overflows, and what the training said."""
    folder = tmp_path_factory.mktemp('bad')
    (folder / 'bad.py').write_text(
        f"_base_ = ['{tiny_config}']\n"
        "custom_hooks = [dict(type='mmvisx.RandomStateHook'),\n"
        "                dict(type='mmvisx.CheckFiniteLossHook')]\n"
        'model = dict(rpn_head=dict(loss_bbox=dict(loss_weight=1e45)))\n'
    )
    with pytest.raises(UserError) as error:
        tool(
            'tools/train.py', folder / 'bad.py', '--work-dir', folder / 'work',
            '--cfg-options', f'data_root={tiny_coco}',
        )  # fmt: skip
    return folder / 'work' / 'non_finite_iter_1.pth', str(error.value)


def test_the_message_names_all_that_is_known(record, tiny_coco):
    path, message = record
    assert '\n' not in message
    assert 'iteration 1: loss_rpn_bbox' in message
    assert f'Images: {tiny_coco}/images/' in message
    assert 'lr (now 0.01)' in message
    assert f'mmvisx replay {path}' in message


def test_the_step_is_repeated_bit_for_bit(record, capsys):
    path, _ = record
    torch.rand(7)  # whatever has been drawn before
    assert replay([str(path)]) == 0
    said = capsys.readouterr().out
    assert 'equal bit for bit' in said
    assert 'loss_rpn_bbox' in said
    assert 'loss_mask' in said
    assert 'parameters with such a gradient: ' in said
    assert 'such a gradient: none' not in said


def test_another_step_is_not_equal(record, tmp_path, capsys):
    content = torch.load(record[0], weights_only=True)
    weights = content['state_dict']
    name = next(k for k in weights if k.endswith('fc_cls.bias'))
    weights[name][0] += 1  # all of them alike would change nothing after the softmax
    torch.save(content, tmp_path / 'other.pth')
    assert replay([str(tmp_path / 'other.pth')]) == 1
    assert 'not equal' in capsys.readouterr().out


def test_a_checkpoint_is_no_step(tmp_path):
    torch.save(dict(state_dict=dict(w=torch.ones(1)), meta={}), tmp_path / 'weights.pth')
    with pytest.raises(UserError, match=r'weights\.pth is no step to be repeated'):
        replay([str(tmp_path / 'weights.pth')])
