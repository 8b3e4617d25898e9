"""What test_co_training_distributed.py runs, in one process or in each of two.

python -m torch.distributed.run --nproc_per_node 2 co_training_two_processes.py FOLDER
"""

import sys
from pathlib import Path

import torch
import torch.distributed as dist
from mmengine.model import MMDistributedDataParallel
from torch.optim import SGD

# A process of its own finds no package called tests.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from co_training import batch_of, co_training

B, M, BUNDLES, STEPS = 6, 8, 2, 3


def train(rank: int = 0, world: int = 1) -> dict:
    """Return the weights of four linear views, paired anew, after some steps."""
    model = co_training(4)
    trained = MMDistributedDataParallel(model) if world > 1 else model
    optimizer = SGD(model.parameters(), lr=0.1)
    images, samples = batch_of(BUNDLES, B, M)
    parts = torch.arange(len(images)).split([B, B, M] * BUNDLES)
    own = torch.cat([part.chunk(world)[rank] for part in parts])
    for _ in range(STEPS):
        losses = trained(images[own], [samples[k] for k in own], mode='loss')
        optimizer.zero_grad()
        sum(value for name, value in losses.items() if 'loss' in name).backward()
        optimizer.step()
    return dict(model.state_dict())


if __name__ == '__main__':
    dist.init_process_group('gloo')
    torch.save(train(dist.get_rank(), 2), Path(sys.argv[1]) / f'rank{dist.get_rank()}.pth')
    dist.destroy_process_group()
