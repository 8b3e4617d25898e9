"""Both phases of DEC in two processes (gloo, CPU) that share the points of every batch."""

from pathlib import Path

import pytest
import torch

from tests.helpers.embedded_clustering import STAGES, Trainings
from tests.helpers.embedded_clustering_two_processes import train
from tests.helpers.loggers import forget_loggers
from tests.helpers.processes import run_two

HELPER = Path(__file__).resolve().parents[1] / 'helpers' / 'embedded_clustering_two_processes.py'


@pytest.mark.parametrize(
    ('kind', 'extra', 'last'),
    # Each process drops out other values
    [('autoencoder', '\nmodel["dropout"] = 0.0\n', sum(STAGES)), ('dec', '', 12)],
)
def test_two_processes_train_like_one(repo, tmp_path, monkeypatch, kind, extra, last):
    Trainings(repo, tmp_path, monkeypatch).write(kind, kind, extra)
    forget_loggers()
    one = train(tmp_path, kind)
    run_two(HELPER, tmp_path, kind)
    one, two = (
        torch.load(folder / f'iter_{last}.pth', weights_only=False)
        for folder in (one, tmp_path / f'{kind}_of_2')
    )
    for name, weight in one['state_dict'].items():
        torch.testing.assert_close(two['state_dict'][name], weight, rtol=1e-5, atol=1e-5)
    if kind == 'dec':
        targets = [end['mmvisx_dec_targets']['targets'] for end in (one, two)]
        torch.testing.assert_close(*targets, rtol=1e-4, atol=1e-5)
