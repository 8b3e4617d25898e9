"""A linear trunk with two linear heads, for the tests of asynchronous SGD.

python -m torch.distributed.run --nproc_per_node 2 asynchronous_two_heads.py FOLDER
"""

import gc
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from mmengine.model import BaseModel, MMDistributedDataParallel
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS
from torch import nn

from mmvisx.structures.losses import StepLosses

TASKS = ('a', 'b')
INPUTS, HIDDEN, OUTPUTS = 5, 4, 3
OPTIMIZER = dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=0.01)


# Tests import this file under more than one name.
@MODELS.register_module(force=True)
class TwoHeads(BaseModel):
    """Squared error, summed over outputs and averaged over the images of a task."""

    def __init__(self, dtype=torch.float64):
        super().__init__()
        random = torch.Generator().manual_seed(0)
        self.trunk = nn.Linear(INPUTS, HIDDEN, bias=False)
        self.task_heads = nn.ModuleDict({t: nn.Linear(HIDDEN, OUTPUTS, bias=False) for t in TASKS})
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=random, dtype=dtype) * 0.4

    def extract_feat(self, inputs):
        """Return the hidden layer."""
        return self.trunk(inputs)

    def forward(self, inputs, targets=None, mode='loss'):
        """Compute losses; ``targets`` is one dict of task to target for each image."""
        hidden = self.extract_feat(inputs)
        losses = {'images': inputs.new_tensor(float(len(inputs)))}
        for task, head in self.task_heads.items():
            rows = [k for k, target in enumerate(targets) if task in target]
            losses[f'{task}.images'] = inputs.new_tensor(float(len(rows)))
            if rows:
                wanted = torch.stack([targets[k][task] for k in rows])
                losses[f'{task}.loss'] = ((head(hidden[rows]) - wanted) ** 2).sum(1).mean()
        return losses

    def parse_losses(self, losses):
        """Keep the parts of the sum."""
        total, logged = super().parse_losses(losses)
        terms, images = {}, {}
        for task, head in self.task_heads.items():
            images[task] = int(losses[f'{task}.images'])
            terms[task] = losses.get(f'{task}.loss', 0.0 * head.weight.sum())
        total = total + 0.0 * sum(terms.values())
        return StepLosses(total, terms, images, int(losses['images'])), logged


def batches(steps, size, seed=0, both=0.2, tasks=TASKS, dtype=torch.float64):
    """Draw batches of images, each annotated for a random task or for both."""
    random = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(steps):
        inputs = torch.randn(size, INPUTS, generator=random, dtype=torch.float64).to(dtype)
        targets = []
        for _ in range(size):
            task = tasks[int(torch.randint(len(tasks), (1,), generator=random))]
            chosen = tasks if float(torch.rand(1, generator=random)) < both else (task,)
            targets.append(
                {
                    t: torch.randn(OUTPUTS, generator=random, dtype=torch.float64).to(dtype)
                    for t in chosen
                }
            )
        found.append(dict(inputs=inputs, targets=targets))
    return found


def wrapper(model, **options):
    """Build the optimizer wrapper as a runner does."""
    cfg = dict(
        type='mmvisx.AsynchronousSGD',
        constructor='mmvisx.AsynchronousSGDConstructor',
        optimizer=OPTIMIZER,
        **options,
    )
    return build_optim_wrapper(model, cfg)


def train(model, data, optim):
    """Run training steps."""
    for batch in data:
        model.train_step(batch, optim)


def weights(model):
    """Return the parameters by name."""
    model = getattr(model, 'module', model)
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def share(batch, rank, world):
    """Return every ``world``-th image of a batch: the numbers per task differ by process."""
    return dict(inputs=batch['inputs'][rank::world], targets=batch['targets'][rank::world])


def train_share(rank, world):
    """Train in this process on its share of the batches; return weights and counts."""
    model = MMDistributedDataParallel(TwoHeads())
    optim = wrapper(model, trunk_images=7, task_images=dict(a=3, b=5))
    counts = []
    for batch in batches(30, 4):
        model.train_step(share(batch, rank, world), optim)
        counts.append(dict(optim.counts))
    return weights(model), counts


def main() -> None:
    """Write what this process ends with into the folder."""
    dist.init_process_group('gloo')
    rank, world = dist.get_rank(), dist.get_world_size()
    torch.save(train_share(rank, world), Path(sys.argv[1]) / f'rank{rank}.pth')
    # A model under DDP that is alive, if only in a reference cycle, may block this for ever.
    gc.collect()
    dist.destroy_process_group()


if __name__ == '__main__':
    main()
