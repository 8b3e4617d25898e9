"""Small trainings that are told to end, for the tests and for the processes they start.

python interrupted_training.py FOLDER OPTIONS_AS_JSON
"""

import json
import os
import random
import signal
import sys
import time
import uuid
from pathlib import Path

import numpy as np
import torch
from mmdet.datasets import MultiImageMixDataset
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import HOOKS, TRANSFORMS

from mmvisx.engine.runner import CheckedRunner

EPOCHS, BATCHES = 3, 4  # of two samples, in one process
ITERATIONS = EPOCHS * BATCHES


def draw_numbers():
    """One number of each source."""
    return [random.random(), float(np.random.rand()), float(torch.rand(()))]


def augment(results):
    """A pipeline step: the numbers of an augmentation, and the sample's index."""
    numbers = torch.tensor(draw_numbers(), dtype=torch.float64)
    return {'sample': results['sample_idx'], 'numbers': numbers}


def plain(results):
    """A pipeline step without random numbers."""
    values = torch.arange(3, dtype=torch.float64) + results['sample_idx']
    return {'sample': results['sample_idx'], 'numbers': values}


# Tests import this file under more than one name.
@TRANSFORMS.register_module(name='mmvisx_interrupted_mix', force=True)
class Mix:
    """A step of a MultiImageMixDataset that draws a partner, and numbers of its own."""

    def get_indexes(self, dataset):
        return random.randrange(len(dataset))

    def __call__(self, results):
        (partner,) = results['mix_results']
        numbers = results['numbers'] + partner['numbers'] + torch.tensor(draw_numbers())
        return {'sample': results['sample'], 'numbers': numbers}


class Numbers(BaseDataset):
    """Samples that remember in which order they were loaded, in this process."""

    def __init__(self, count, **kwargs):
        self.count, self.loaded = count, []
        super().__init__(**kwargs)

    def load_data_list(self):
        return [{'value': i} for i in range(self.count)]

    def prepare_data(self, idx):
        self.loaded.append(idx)
        return super().prepare_data(idx)


def numbers(count=2 * BATCHES, step=augment):
    return Numbers(count, pipeline=[step])


DATA = {
    'plain': numbers,
    'concat': lambda: ConcatDataset([numbers(BATCHES), numbers(BATCHES)]),
    'repeat': lambda: RepeatDataset(numbers(BATCHES), 2),
    'mix': lambda: MultiImageMixDataset(numbers(), [dict(type='mmvisx_interrupted_mix')]),
}


class Recorder(BaseModel):
    """A weight whose gradient depends on the data's and on the model's random numbers."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
        self.register_buffer('images', torch.zeros((), dtype=torch.long))
        self.seen = []

    def forward(self, sample, numbers, mode='tensor'):
        if mode == 'predict':
            return [float((row * self.weight).sum()) for row in numbers]
        self.seen += sample.tolist()
        self.images += len(sample)
        drawn = draw_numbers()[2]
        return {'loss': ((numbers.mean(0) * self.weight).sum() - drawn) ** 2}


class Mean(BaseMetric):
    """The mean prediction."""

    default_prefix = 'mean'

    def process(self, data_batch, data_samples):
        self.results += data_samples

    def compute_metrics(self, results):
        assert len(results) == BATCHES
        return dict(value=sum(results) / len(results))


@HOOKS.register_module(force=True)
class SignalHook(Hook):
    """Send this process a signal in the middle of an iteration of training or of validation.

    Args:
        at: iterations that are done then.
        batch: of the validation after them; None: in the training.
        rank: the only process that gets it; None: all do.
    """

    priority = 'VERY_HIGH'

    def __init__(self, at, batch=None, number=signal.SIGTERM, rank=None):
        self.at, self.batch, self.number, self.rank = at, batch, number, rank

    def send(self, runner, batch):
        mine = self.rank is None or str(self.rank) == os.environ.get('RANK')
        if runner.iter == self.at and batch == self.batch and mine:
            os.kill(os.getpid(), self.number)

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.send(runner, None)

    def after_val_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.send(runner, batch_idx)


class SlowHook(Hook):
    """Say which iteration is on, and take time for it."""

    def __init__(self, seconds):
        self.seconds = seconds

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        print(f'ITERATION {runner.iter}', flush=True)
        time.sleep(self.seconds)


def build_runner(
    folder,
    data='plain',
    workers=0,
    by_epoch=True,
    sampler='Default',
    accumulate=1,
    validate=False,
    interval=1,
    stop=None,
    hooks=(),
    persistent=True,
    optim='SGD',
    batch_size=2,
    **options,
):
    """Build a runner; ``stop`` are the arguments of a :class:`SignalHook`."""
    length = dict(max_epochs=EPOCHS) if by_epoch else dict(max_iters=ITERATIONS)
    custom = [dict(type='mmvisx.RandomStateHook'), *hooks]
    loader = dict(
        batch_size=batch_size,
        dataset=DATA[data](),
        sampler=dict(type=f'{sampler}Sampler', shuffle=True),
        collate_fn=dict(type='default_collate'),
        num_workers=workers,
        persistent_workers=persistent and workers > 0,
    )
    checkpoint = dict(type='CheckpointHook', by_epoch=by_epoch, interval=interval)
    scheduler = [dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=7)]
    if validate:
        checkpoint.update(save_best='mean/value', rule='less')
        scheduler.append(
            dict(type='ReduceOnPlateauLR', monitor='mean/value', patience=0, threshold=0.2)
        )
        val = {**loader, 'batch_size': 1, 'dataset': numbers(BATCHES, plain)}
        options.update(
            val_dataloader={**val, 'sampler': dict(type='DefaultSampler', shuffle=False)},
            val_evaluator=dict(type=Mean),
            val_cfg=dict(type='ValLoop'),
        )
        length['val_interval'] = 1 if by_epoch else BATCHES
        custom.append(dict(type='EMAHook', momentum=0.1, update_buffers=True))
    if stop is not None:
        custom.append(SignalHook(**stop))
    return CheckedRunner(
        Recorder(),
        str(folder),
        train_dataloader=loader,
        train_cfg=dict(by_epoch=by_epoch, **length),
        optim_wrapper=dict(
            optimizer=dict(type=optim, lr=0.1, **({'momentum': 0.9} if optim == 'SGD' else {})),
            accumulative_counts=accumulate,
        ),
        param_scheduler=scheduler,
        default_hooks=dict(checkpoint=checkpoint),
        custom_hooks=custom,
        randomness=dict(seed=3),
        experiment_name=uuid.uuid4().hex,
        **options,
    )


def train(folder, **options):
    """Train to the end, or until a signal; return the model."""
    runner = build_runner(folder, **options)
    model = runner.train()
    loader = runner.train_dataloader
    if loader._iterator is not None:
        # Left to the garbage collector, each worker takes 5 s to stop.
        loader._iterator._shutdown_workers()
    return getattr(model, 'module', model)


def main():
    """Train; an iteration takes ``seconds``."""
    # A test may run in a job of a script, which ignores it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    options = json.loads(sys.argv[2])
    train(Path(sys.argv[1]), hooks=[SlowHook(options.pop('seconds'))], **options)


if __name__ == '__main__':
    main()
