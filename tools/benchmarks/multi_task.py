"""A step of joint training against its bound: the trunk once, each head once.

    python tools/benchmarks/multi_task.py --out benchmarks/multi_task.json

Half of the images of a batch are annotated for each of two tasks. The bound is written in plain
PyTorch, on tensors that are there already: trunk, heads on their images, cross-entropy, backward,
SGD. The step is that of a training: preprocessing, MultiTaskSegmentor, optimizer wrapper. Beside it
two models with one task each, which run the trunk twice.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor

from mmvisx.registry import MODELS
from mmvisx.utils import run_cli
from mmvisx.utils.files import write_json
from mmvisx.utils.machine import describe_machine
from mmvisx.utils.measure import paired_seconds

SGD = dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=5e-4)
WRAPPERS: dict[str, dict[str, Any]] = {
    'plain SGD': dict(type='OptimWrapper', optimizer=SGD),
    # Every part steps after every batch, which is the most that there can be to do.
    'asynchronous SGD': dict(
        type='mmvisx.AsynchronousSGD',
        constructor='mmvisx.AsynchronousSGDConstructor',
        optimizer=SGD,
        trunk_images=1,
        task_images=1,
    ),
}


class Joint:
    """A multi-task model, a batch for it, and its bound.

    Args:
        config: A config of a ``MultiTaskSegmentor`` with two tasks or more.
        batch: Images; every task has as many.
        size: Side of the images in pixels.
        device: ``'cpu'`` or ``'cuda'``.
    """

    def __init__(self, config: str, batch: int, size: int, device: str) -> None:
        cfg = Config.fromfile(config).model
        cfg.data_preprocessor.size = (size, size)
        cfg.backbone.pop('init_cfg', None)
        init_default_scope('mmseg')
        self.cfg, self.device = cfg, device
        self.model = self._build(list(cfg.task_heads))
        tasks = list(self.model.task_heads)
        self.inputs = torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8)
        chunks = torch.arange(batch).chunk(len(tasks))
        self.rows = {task: rows.tolist() for task, rows in zip(tasks, chunks, strict=True)}
        self.labels = {
            task: torch.randint(0, head.num_classes, (len(self.rows[task]), size, size)).to(device)
            for task, head in self.model.task_heads.items()
        }
        self.normalised = self.model.data_preprocessor(self.data(tasks), True)['inputs']
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4
        )

    def _build(self, tasks: list[str]) -> Any:
        cfg = dict(self.cfg, task_heads={task: self.cfg.task_heads[task] for task in tasks})
        return MODELS.build(cfg).to(self.device).train()

    def data(self, tasks: list[str]) -> dict[str, Any]:
        """Return what a data loader gives for the images of some tasks."""
        rows = [(row, task) for task in tasks for row in self.rows[task]]
        samples = []
        for row, task in rows:
            sample = SegDataSample(metainfo=dict(img_path=f'{row}.jpg'))
            labels = self.labels[task][self.rows[task].index(row)]
            sample.set_data({f'gt_sem_seg_{task}': PixelData(data=labels[None].cpu())})
            samples.append(sample)
        return dict(inputs=[self.inputs[row] for row, _ in rows], data_samples=samples)

    def bound(self) -> None:
        """Train on the batch with the least that there is to do."""
        features: tuple[Tensor, ...] = self.model.backbone(self.normalised)
        losses = []
        for task, head in self.model.task_heads.items():
            logits = head([level[self.rows[task]] for level in features])
            logits = F.interpolate(
                logits, self.labels[task].shape[1:], mode='bilinear', align_corners=False
            )
            losses.append(F.cross_entropy(logits, self.labels[task], ignore_index=255))
        torch.stack(losses).sum().backward()
        self.optimizer.step()
        self.optimizer.zero_grad()

    def step(self, wrapper: dict[str, Any]) -> Any:
        """Return a training step of all tasks together."""
        optim = build_optim_wrapper(self.model, wrapper)
        tasks = list(self.model.task_heads)
        return lambda: self.model.train_step(self.data(tasks), optim)

    def separate(self) -> Any:
        """Return a training step of one model for each task, on its images."""
        models = {task: self._build([task]) for task in self.rows}
        optims = {t: build_optim_wrapper(m, WRAPPERS['plain SGD']) for t, m in models.items()}

        def steps() -> None:
            for task, model in models.items():
                model.train_step(self.data([task]), optims[task])

        return steps


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Time every kind of step in turns with the bound."""
    joint = Joint(options.config, options.batch, options.size, options.device)
    kinds = {name: joint.step(wrapper) for name, wrapper in WRAPPERS.items()}
    kinds['a model for each task'] = joint.separate()
    return {
        name: paired_seconds(run, joint.bound, options.rounds, options.device)
        for name, run in kinds.items()
    }


def main(args: list[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    parser = argparse.ArgumentParser(description='Time joint training steps against their bound')
    parser.add_argument(
        '--config', default='configs/multi_task/sunet64_raw_async_300e_voc_person_part.py'
    )
    parser.add_argument('--batch', type=int, default=4, help='images a step')
    parser.add_argument('--size', type=int, default=128, help='side of the images in pixels')
    parser.add_argument('--rounds', type=int, default=7, help='pairs of steps')
    parser.add_argument('--device', choices=['cpu', 'cuda'], default='cpu')
    parser.add_argument('--out', type=Path, help='JSON file to write')
    options = parser.parse_args(args)
    torch.manual_seed(0)
    info = describe_machine()
    result = measure(options)
    for name, times in result.items():
        print(
            f'{name}: {times["ours"]:.3f} s, bound {times["reference"]:.3f} s, '
            f'{times["ours_to_reference"]:.3f} of it'
        )
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        kept = {k: v for k, v in vars(options).items() if k != 'out'}
        content = {'machine': info, 'options': kept, 'result': result}
        write_json(options.out, content)
    return 0


if __name__ == '__main__':
    run_cli(main)
