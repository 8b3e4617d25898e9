"""Processes that die while they build a bank or save a taught classifier, and two that train."""

import json
from pathlib import Path

import numpy as np
import torch

from mmvisx.apis.few_shot_bank import build_bank
from mmvisx.apis.few_shot_teach import TeachableClassifier
from tests.helpers.checkpoints import same
from tests.helpers.few_shot import bank_of, classifier_config, write_checkpoint, write_classes
from tests.helpers.few_shot_processes import STEPS, train
from tests.helpers.processes import run_forked, run_two

HELPER = Path(__file__).resolve().parents[1] / 'helpers' / 'few_shot_processes.py'


def made(folder):
    """Write a small classifier and its images."""
    write_classes(folder / 'images')
    cfg = classifier_config(folder / 'images')
    cfg.dump(folder / 'config.py')
    return cfg, write_checkpoint(cfg, folder / 'weights.pth')


def killed(what, folder):
    """Run a part of the helper, which must end by SIGKILL."""
    codes, printed = run_forked(HELPER, what, folder, settings=[{}])
    assert codes == [-9], printed


def test_a_bank_whose_process_was_killed(tmp_path):
    cfg, checkpoint = made(tmp_path)
    whole = build_bank(cfg, checkpoint, tmp_path / 'whole')
    killed('bank', tmp_path)
    seen = []
    bank = build_bank(cfg, checkpoint, tmp_path / 'bank', report=lambda n, _: seen.append(n))
    assert seen[0] > 5  # the first five are not computed again
    for name in ('activations', 'labels', 'means'):
        np.testing.assert_array_equal(getattr(bank, name), getattr(whole, name))
    assert bank.record == whole.record


def test_saved_killed_loaded_predicts_alike(tmp_path):
    cfg, checkpoint = made(tmp_path)
    build_bank(cfg, checkpoint, tmp_path / 'bank')
    killed('teach', tmp_path)
    # The config is in the checkpoint, and the class whose saving was killed is not
    model = TeachableClassifier(None, tmp_path / 'taught.pth', show_progress=False, device='cpu')
    assert model.classes == ('ant', 'bee', 'cat', 'dog')
    found = model(str(tmp_path / 'images/bee'))['predictions']
    assert found == json.loads((tmp_path / 'found.json').read_text())
    assert len(found) == 4


def test_two_ranks_draw_different_sets_and_step_alike(tmp_path):
    bank_of(tmp_path / 'bank')
    run_two(HELPER, 'train', tmp_path)
    first, second = (torch.load(tmp_path / f'rank{rank}.pth') for rank in range(2))
    assert same(first['weights'], second['weights'])
    alone = train(tmp_path)
    assert len(alone['seen']) == 2 * STEPS
    assert len(alone['seen'].unique(dim=0)) == 2 * STEPS
    # Step by step they see what one process with twice the batch sees, and do what it does
    both = torch.stack([first['seen'], second['seen']], dim=1).flatten(0, 1)
    assert torch.equal(both, alone['seen'])
    for name, weight in alone['weights'].items():
        torch.testing.assert_close(first['weights'][name], weight)
    assert (alone['weights']['predictor.layers.0.weight'] - torch.eye(6)).abs().max() > 1e-3
