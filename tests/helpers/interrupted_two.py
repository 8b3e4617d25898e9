"""A small training in two processes that are told to end.

python -m torch.distributed.run --nproc_per_node 2 interrupted_two.py FOLDER OPTIONS_AS_JSON
"""

import gc
import json
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from interrupted_training import build_runner


def train(folder, options):
    """Train, and write what this process ends with."""
    runner = build_runner(folder, launcher='pytorch', **options)
    code = 0
    try:
        runner.train()
    except SystemExit as end:
        code = end.code
    model = runner.model.module
    found = dict(code=code, seen=model.seen, state=model.state_dict())
    torch.save(found, folder / f'rank{dist.get_rank()}.pth')


def main():
    """Train in two processes."""
    train(Path(sys.argv[1]), json.loads(sys.argv[2]))
    # A model under DDP that is alive, if only in a reference cycle, may block this for ever.
    gc.collect()
    dist.destroy_process_group()


if __name__ == '__main__':
    main()
