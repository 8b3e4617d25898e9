"""What test_gunn_distributed.py runs, in one process or in each of two.

python -m torch.distributed.run --nproc_per_node 2 gunn_two_processes.py FOLDER
"""

import gc
import itertools
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from mmengine.model import MMDistributedDataParallel
from torch.optim import SGD

from mmvisx.models.backbones import GUNN

IMAGES = 8
STEPS = 3
NORMS = dict(group=dict(type='GN', num_groups=1), batch=dict(type='BN'))
OPTIONS = dict(
    plain_options={},
    unused=dict(find_unused_parameters=True),
    views=dict(gradient_as_bucket_view=True, bucket_cap_mb=0.01),
    static=dict(static_graph=True),
)


def train(memory_efficient: bool, norm: str, options: str, rank: int = 0, world: int = 1) -> dict:
    """Return losses, last gradients, and weights and statistics after some steps."""
    torch.manual_seed(0)
    model = GUNN(
        [(8, 4, 2, 1), (12, 3, 1, 2)],
        memory_efficient=memory_efficient,
        stem='cifar',
        norm_cfg=NORMS[norm],
    )
    model.init_weights()
    model.train().double()
    wrapped = MMDistributedDataParallel(model, **OPTIONS[options]) if world > 1 else model
    optimizer = SGD(model.parameters(), lr=0.05)
    images = torch.randn(STEPS, IMAGES, 3, 8, 8, dtype=torch.float64)
    share = IMAGES // world
    losses = []
    for step in range(STEPS):
        optimizer.zero_grad()
        (out,) = wrapped(images[step, rank * share : (rank + 1) * share])
        loss = (out.mean((2, 3)).tanh() - 0.5).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    return dict(losses=losses, gradients=gradients, state=state)


def main() -> None:
    """Write what this process found into the folder."""
    dist.init_process_group('gloo')
    rank, world = dist.get_rank(), dist.get_world_size()
    cases = itertools.product((False, True), NORMS, OPTIONS)
    found = {case: train(*case, rank, world) for case in cases}
    torch.save(found, Path(sys.argv[1]) / f'rank{rank}.pth')
    # A model under DDP that is alive, if only in a reference cycle, may block this for ever.
    gc.collect()
    dist.destroy_process_group()


if __name__ == '__main__':
    main()
