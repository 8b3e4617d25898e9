"""What a run says on the screen: lines elsewhere than on a terminal, and nothing of a screen."""

import re

import pytest
import torch

from mmvisx.apis.run import build_runner, prepare_config
from mmvisx.engine.hooks.progress import ProgressHook
from mmvisx.utils.screen import quiet_screen
from tests.helpers.loggers import forget_loggers


@pytest.fixture
def train(tiny_config, tiny_coco, tmp_path, capsys):
    """``train(options, verbose)``: what stands on the screen, line by line, and the runner."""

    def call(options=(), verbose=False, name='work'):
        forget_loggers()
        short = {'data_root': f'{tiny_coco}/', 'val_evaluator.metric': 'bbox'}
        cfg = prepare_config(tiny_config, tmp_path / name, {**short, **dict(options)})
        with quiet_screen(verbose):
            runner = build_runner(cfg)
            runner.train()
        return capsys.readouterr().out.splitlines(), runner

    return call


def test_says_what_is_trained_on_what_and_where_it_is_written(train, tiny_coco, tmp_path):
    lines, runner = train()
    words = {line.split('  ')[0]: line for line in lines[:6]}
    # of the state dict, all but the statistics of batch normalisations
    count = sum(v.numel() for n, v in runner.model.state_dict().items() if 'running' not in n
                and 'num_batches' not in n)  # fmt: skip
    assert f'tiny_mask_rcnn: MaskRCNN, {count / 1e6:.2f} M parameters' in words['model']
    for name in ('data', 'val data'):
        assert f'{tiny_coco}/instances.json; 4 images; 2 classes (box, disc)' in words[name]
    assert '1 epochs of 2 iterations, 2 images each' in words['length']
    assert words['weights'].endswith('random')
    assert str(tmp_path / 'work') in words['output']
    assert f'{runner.timestamp}.log' in words['output']


def test_a_line_each_time_the_log_has_one_and_a_table(train):
    lines, runner = train({'train_cfg.max_epochs': 2})
    steps = [line for line in lines if line.startswith('epoch')]
    assert [re.match(r'epoch (./2), iteration (./2), loss \d', s).groups() for s in steps] == [
        ('1/2', '1/2'), ('1/2', '2/2'), ('2/2', '1/2'), ('2/2', '2/2')
    ]  # fmt: skip
    assert 'box AP' in steps[2]  # the last evaluation's
    assert 'box AP' not in steps[1]
    at = next(k for k, line in enumerate(lines) if line.startswith('validation after epoch 2'))
    assert '4 images' in lines[at]
    assert lines[at + 1].split()[:3] == ['AP', 'AP50', 'AP75']
    history = runner.message_hub.get_scalar('val/coco/bbox_mAP_50')
    assert lines[at + 2].split()[:3:2] == ['box', f'{history.current():.3f}']
    # the mean of the last ten, as the log has it
    losses = runner.message_hub.get_scalar('train/loss').data[0]
    assert f'loss {sum(losses) / 4:.4g}' in steps[3]
    assert lines[-1].endswith('epoch_2.pth')


def test_interval_is_the_logger_hook_s(train):
    lines, _ = train({'train_cfg.max_epochs': 3, 'default_hooks.logger.interval': 7})
    steps = [line for line in lines if line.startswith('epoch')]
    assert [re.findall(r'./\d', step)[:2] for step in steps] == [
        ['1/3', '2/2'], ['2/3', '2/2'], ['3/3', '2/2']
    ]  # fmt: skip


def test_iterations_without_epochs(train):
    lines, _ = train(
        {
            'train_cfg._delete_': True,
            'train_cfg.type': 'IterBasedTrainLoop',
            'train_cfg.max_iters': 3,
            'train_cfg.val_interval': 2,
            'default_hooks.checkpoint.by_epoch': False,
        }
    )
    assert any('3 iterations of 2 images each' in line for line in lines)
    assert [s.split(',')[0] for s in lines if s.startswith('iteration')] == [
        'iteration 1/3', 'iteration 2/3', 'iteration 3/3'
    ]  # fmt: skip
    assert any(line.startswith('validation at iteration 2:') for line in lines)


def test_weights_it_starts_from(train, tmp_path):
    train(name='first')
    file = tmp_path / 'first' / 'epoch_1.pth'
    lines, _ = train({'load_from': str(file)}, name='second')
    (line,) = [line for line in lines if line.startswith('weights')]
    assert line.endswith(str(file))
    lines, _ = train({'load_from': str(file), 'resume': True, 'train_cfg.max_epochs': 2})
    (line,) = [line for line in lines if line.startswith('weights')]
    assert line.endswith('epoch_1.pth, goes on after iteration 2, in epoch 2')
    lines, _ = train(
        {'model.backbone.init_cfg.type': 'Pretrained',
         'model.backbone.init_cfg.checkpoint': str(file),
         'model.backbone.init_cfg.prefix': 'backbone.'}, name='third',
    )  # fmt: skip
    (line,) = [line for line in lines if line.startswith('weights')]
    assert line.endswith(f'backbone: {file}')


def test_the_training_is_the_same(train, tmp_path):
    _, shown = train({'train_cfg.max_epochs': 2}, name='quiet')
    lines, plain = train({'train_cfg.max_epochs': 2}, verbose=True, name='loud')
    assert any('System environment' in line for line in lines)
    assert not any(isinstance(hook, ProgressHook) for hook in plain.hooks)
    assert any(isinstance(hook, ProgressHook) for hook in shown.hooks)
    one, other = (torch.load(tmp_path / name / 'epoch_2.pth', weights_only=False)
                  for name in ('quiet', 'loud'))  # fmt: skip
    assert one.keys() == other.keys()
    for key, value in one['state_dict'].items():
        assert torch.equal(value, other['state_dict'][key]), key
    log = next((tmp_path / 'quiet').glob('*/*.log')).read_text()
    for text in ('System environment', 'Config:', 'Epoch(train) [1][1/2]', 'bbox_mAP_copypaste'):
        assert text in log


def test_no_line_of_a_training_that_ends_early_is_called_done(train):
    lines, runner = train(
        {'train_cfg.max_epochs': 9,
         '+custom_hooks': [dict(type='EarlyStoppingHook', monitor='coco/bbox_mAP', patience=1,
                                min_delta=9.0)]}
    )  # fmt: skip
    assert runner.epoch < 9
    assert any(line.startswith(f'stopped early, after iteration {runner.iter}') for line in lines)
    assert not any(line.startswith('done') for line in lines)
