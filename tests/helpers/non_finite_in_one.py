"""What test_check_finite_gradients.py runs in each of two processes: one of them has a bad batch.

python -m torch.distributed.run --nproc_per_node 2 non_finite_in_one.py FOLDER
"""

import os
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from mmengine.model import BaseModel
from torch import nn

from mmvisx.engine.hooks.check_finite_loss import CheckFiniteLossHook
from mmvisx.engine.runner import CheckedRunner
from mmvisx.utils import UserError


class Model(BaseModel):
    """A loss that is NaN for the inputs 7."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        value = self.layer(inputs).square().mean()
        return dict(loss_root=value * (float('nan') if (inputs == 7).any() else 1.0))


def train(folder, choice):
    """Train for five steps; the second process's third batch is bad."""
    torch.manual_seed(0)
    inputs = torch.randn(20, 3)
    inputs[2 * 2 * 2 + 1] = 7.0  # batches of 2, dealt out in turn: the third of rank 1
    runner = CheckedRunner(
        Model(),
        str(folder / choice),
        train_dataloader=dict(
            batch_size=2,
            dataset=[dict(inputs=row) for row in inputs],
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='default_collate'),
        ),
        train_cfg=dict(by_epoch=False, max_iters=5),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        custom_hooks=[dict(type='mmvisx.CheckFiniteLossHook', on_non_finite=choice)],
        launcher='pytorch',
        experiment_name=f'{folder.name}{choice}',
    )
    runner.train()
    hook = next(h for h in runner.hooks if isinstance(h, CheckFiniteLossHook))
    return hook.skipped, [p.tolist() for p in runner.model.parameters()]


def main(folder):
    """Write what happened."""
    dist.init_process_group('gloo')
    rank = os.environ['RANK']
    skipped, weights = train(folder, 'skip')
    log = ' '.join(path.name for path in (folder / 'skip').glob('non_finite*'))
    losses = ''
    for path in (folder / 'skip').glob('non_finite*'):
        losses += str(torch.load(path, weights_only=True)['non_finite_step']['losses'])
    try:
        train(folder, 'stop')
        end = 'went on'
    except UserError as error:
        end = str(error).replace('\n', ' ')
    text = f'skipped {skipped}\n{weights}\n{log} {losses}\n{end}\n'
    (folder / f'{rank}.txt').write_text(text.replace('\n\n', '\n'))
    dist.destroy_process_group()


if __name__ == '__main__':
    main(Path(sys.argv[1]))
