"""Co-training in two processes (gloo, CPU) that share the images of every step."""

from pathlib import Path

import torch

from tests.helpers.co_training_two_processes import train
from tests.helpers.processes import run_two

HELPER = Path(__file__).resolve().parents[2] / 'helpers' / 'co_training_two_processes.py'


def test_two_processes_train_like_one(tmp_path):
    one = train()
    run_two(HELPER, tmp_path)
    ranks = [torch.load(tmp_path / f'rank{rank}.pth') for rank in (0, 1)]
    assert one['steps'] == 3
    for name, weight in one.items():
        for rank in ranks:
            torch.testing.assert_close(rank[name], weight, rtol=0, atol=1e-8)
