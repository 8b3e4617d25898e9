"""Points of three clouds, and small trainings on them by tools/train.py."""

import sys

import numpy as np
import torch

from mmvisx.analysis.embedded_clustering import AssignedPoints
from mmvisx.cli import train as cli
from mmvisx.ops.embedded_clustering import student_t_assignment
from tests.helpers.loggers import forget_loggers

CHANNELS = (6, 8, 5, 2)
STAGES = [6, 6, 6, 10]
COMMON = """
_base_ = {base!r}
train_dataloader = dict(batch_size=16, dataset=dict(data={data!r}, labels={labels!r}))
default_hooks = dict(checkpoint=dict(interval=1, max_keep_ckpts=-1), logger=dict(interval=1))
log_processor = dict(window_size=1)
randomness = dict(seed=3)
"""
AUTOENCODER = f"""
model = dict(channels={CHANNELS}, init_cfg=dict(type='Normal', layer='Linear', std=0.4))
train_cfg = dict(stages={STAGES})
param_scheduler = [
    dict(type='mmvisx.StageStepLR', stages={STAGES}, step_size=4, gamma=0.1),
    dict(type='mmvisx.StageMomentum', stages={STAGES}, warmup=3),
]
"""
DEC = """
model = dict(encoder=dict(channels={channels}), num_clusters=3, channels=2)
train_cfg = dict(max_iters=12)
test_dataloader = dict(dataset=dict(data={data!r}, labels={labels!r}))
custom_hooks = [
    *_base_.custom_hooks[:-1],
    dict(type='mmvisx.DECTargetHook', interval=4, tol=0.0, restarts=3),
]
"""


def clouds(folder, n=50, seed=0):
    """Write points (n, 6) of three clouds and their labels; return both files."""
    random = np.random.default_rng(seed)
    labels = random.integers(3, size=n)
    centres = random.normal(size=(3, 6)) * 3
    np.save(folder / 'points.npy', (centres[labels] + random.normal(size=(n, 6))).astype('f4'))
    np.save(folder / 'labels.npy', labels)
    return str(folder / 'points.npy'), str(folder / 'labels.npy')


class Trainings:
    """Run tools/train.py in this process, in folders below ``folder``."""

    def __init__(self, repo, folder, monkeypatch):
        self.repo, self.folder, self.monkeypatch = repo, folder, monkeypatch
        folder.mkdir(exist_ok=True)
        self.data, self.labels = clouds(folder)

    def write(self, name, kind, extra=''):
        """Write a config for the autoencoder (``'autoencoder'``) or ``'dec'``; return its path."""
        base = str(self.repo / 'configs' / '_base_' / f'embedded_clustering_{kind}.py')
        names = dict(base=base, data=self.data, labels=self.labels, channels=CHANNELS)
        text = COMMON + (AUTOENCODER if kind == 'autoencoder' else DEC)
        config = self.folder / f'{name}.py'
        config.write_text(text.format(**names) + extra.format(**names))
        return config

    def run(self, config, *options):
        """Train by a config; return the work dir."""
        work_dir = self.folder / config.stem
        argv = ['train.py', config, '--work-dir', work_dir, *options]
        self.monkeypatch.setattr(sys, 'argv', [str(word) for word in argv])
        forget_loggers()
        cli.main()
        return work_dir


def assigned(n=60, k=3, d=2, alpha=1.0, classes=3, seed=0):
    """Return points whose codes are random around centroids, of random classes or (0) of none."""
    random = np.random.default_rng(seed)
    labels = random.integers(max(classes, 1), size=n)
    centroids = 2 * random.normal(size=(k, d))
    codes = torch.from_numpy(centroids[labels % k] + random.normal(size=(n, d)))
    centroids = torch.from_numpy(centroids)
    q = student_t_assignment(codes, centroids, alpha)
    names = tuple('abcdefgh'[:classes])
    return AssignedPoints(codes, q, centroids, alpha, labels if classes else None, names)
