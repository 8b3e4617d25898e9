"""Training steps of ResNet-50-D against ResNet-50-B (000, 2.4.3: "only 3 % slower").

    python tools/benchmarks/resnet_tweak.py --out benchmarks/resnet_tweak.json

A step is forward, loss, backward and SGD on random images; on a GPU with --amp and --batch 128 as
in the chapter. On one thread (OMP_NUM_THREADS=1) of a CPU processor seconds are taken, which other
work on the machine changes least.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from mmvisx.models.backbones import ResNetTweak
from mmvisx.utils import run_cli
from mmvisx.utils.files import write_json
from mmvisx.utils.machine import describe_machine

CLASSES = 1000


def pick_clock(device: str) -> Callable[[], float]:
    """Return the clock for a device."""
    alone = device == 'cpu' and torch.get_num_threads() == 1
    return time.process_time if alone else time.perf_counter


class Trainee:
    """A network with its optimizer.

    Args:
        variant: Of :class:`ResNetTweak`.
        depth: Of :class:`ResNetTweak`.
        device: ``'cpu'`` or ``'cuda'``.
        amp: Mixed precision: float16 with a scaled loss on a GPU, bfloat16 on a CPU.
    """

    def __init__(self, variant: str, depth: int, device: str, amp: bool) -> None:
        backbone = ResNetTweak(depth, variant)
        self.backbone = backbone.to(device, memory_format=torch.channels_last).train()
        self.fc = nn.Linear(backbone.feat_dim, CLASSES).to(device)
        self.parameters = [*self.backbone.parameters(), *self.fc.parameters()]
        self.optimizer = torch.optim.SGD(
            self.parameters, lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-4
        )
        self.device, self.amp = device, amp
        self.clock = pick_clock(device)
        self.scaler = torch.amp.GradScaler(device, enabled=amp and device == 'cuda')

    def step(self, images: Tensor, labels: Tensor) -> float:
        """Train on a batch ``(N, 3, H, W)``; return the seconds."""
        start = self.clock()
        half = torch.float16 if self.device == 'cuda' else torch.bfloat16
        with torch.autocast(self.device, dtype=half, enabled=self.amp):
            scores = self.fc(self.backbone(images)[-1].mean((2, 3)))
        loss = F.cross_entropy(scores.float(), labels)
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()
        if self.device == 'cuda':
            torch.cuda.synchronize()
        return self.clock() - start


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Time the variants in turns; ratios are taken within a turn.

    Returns:
        Images a second of each variant (median), and by how much its throughput is below
        that of ``'b'`` in percent (median of the turns).
    """
    device = options.device
    trainees = {v: Trainee(v, options.depth, device, options.amp) for v in options.variants}
    images = torch.randn(options.batch, 3, options.size, options.size, device=device)
    images = images.to(memory_format=torch.channels_last)
    labels = torch.randint(CLASSES, (options.batch,), device=device)
    for trainee in trainees.values():
        for _ in range(options.warmup):
            trainee.step(images, labels)
    times: dict[str, list[float]] = {name: [] for name in trainees}
    for turn in tqdm(range(options.rounds)):
        # Each variant goes first as often as the others.
        names = list(trainees)[:: 1 if turn % 2 else -1]
        for name in names:
            times[name].append(trainees[name].step(images, labels))
    slower = {
        name: round(
            100 * (1 - statistics.median(b / t for b, t in zip(times['b'], own, strict=True))), 2
        )
        for name, own in times.items()
    }
    rates = {k: round(options.batch / statistics.median(v), 2) for k, v in times.items()}
    return {'images_per_second': rates, 'percent_below_b': slower}


def main(args: list[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    parser = argparse.ArgumentParser(description='Time training steps of ResNet-A to -D')
    parser.add_argument('--variants', nargs='+', choices='abcd', default=['b', 'd'])
    parser.add_argument('--depth', type=int, default=50)
    parser.add_argument('--batch', type=int, default=4, help='images a step')
    parser.add_argument('--size', type=int, default=224, help='pixels')
    parser.add_argument('--rounds', type=int, default=20, help='steps of each variant')
    parser.add_argument('--warmup', type=int, default=2, help='steps before the first turn')
    parser.add_argument('--device', choices=['cpu', 'cuda'], default='cpu')
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument('--out', type=Path, help='JSON file to write')
    options = parser.parse_args(args)
    options.variants = sorted({'b', *options.variants})
    torch.manual_seed(0)
    info = describe_machine()
    result = measure(options)
    for name, rate in result['images_per_second'].items():
        print(
            f'ResNet-{options.depth}-{name.upper()}: {rate} images a second, '
            f'{result["percent_below_b"][name]} % below B'
        )
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        kept = {k: v for k, v in vars(options).items() if k != 'out'}
        clock = pick_clock(options.device).__name__
        content = {'machine': info, 'clock': clock, 'options': kept, 'result': result}
        write_json(options.out, content)
    return 0


if __name__ == '__main__':
    run_cli(main)
