"""What test_embedded_clustering_distributed.py runs, in one process or in each of two.

python -m torch.distributed.run --nproc_per_node 2 embedded_clustering_two_processes.py FOLDER
"""

import sys
from pathlib import Path

import torch.distributed as dist

from mmvisx.apis.run import build_runner, prepare_config

BATCH = 16


def train(folder: Path, name: str, world: int = 1) -> Path:
    """Train by the config ``name``.py of the folder, which shares out its batches."""
    launcher = 'pytorch' if world > 1 else 'none'
    work_dir = folder / f'{name}_of_{world}'
    options = {'train_dataloader.batch_size': BATCH // world}
    cfg = prepare_config(folder / f'{name}.py', work_dir, options, launcher)
    build_runner(cfg).train()
    return work_dir


if __name__ == '__main__':
    train(Path(sys.argv[1]), sys.argv[2], 2)
    dist.destroy_process_group()
