"""Compare GUNN trained by Algorithm 2 with plain autograd and with WideResNet-28-10.

Peak memory and time of a training step. The memory of each side is measured in a process of its
own that has done nothing else: what earlier work leaves in the allocator would count. The times of
both sides are taken in one process and in turns.

python tools/benchmarks/gunn.py --out benchmarks/gunn.json
python tools/benchmarks/gunn.py --cases gunn18 --batch 32 --device cuda
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD

from mmvisx.models.backbones import GUNN
from mmvisx.utils import UserError, run_cli
from mmvisx.utils.files import write_json
from mmvisx.utils.machine import describe_machine
from mmvisx.utils.measure import paired_seconds, peak_memory, summary

Build = Callable[[], nn.Module]


class Classifier(nn.Module):
    """Backbone, global average pooling and a linear layer."""

    def __init__(self, backbone: nn.Module, channels: int, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map images ``(B, 3, H, W)`` to scores ``(B, classes)``."""
        out = self.backbone(x)
        out = out[-1] if isinstance(out, tuple) else out
        return self.fc(out.mean((2, 3)))


class WideBlock(nn.Module):
    """Two 3x3 convolutions, each behind batch norm and ReLU, and a shortcut."""

    def __init__(self, entry: int, width: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(entry)
        self.conv1 = nn.Conv2d(entry, width, 3, stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.shortcut = nn.Conv2d(entry, width, 1, stride, bias=False) if entry != width else None

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, entry, H, W)`` to ``(B, width, H / stride, W / stride)``."""
        out = F.relu_(self.norm1(x))
        rest = x if self.shortcut is None else self.shortcut(out)
        return rest + self.conv2(F.relu_(self.norm2(self.conv1(out))))


def wide_resnet(classes: int = 10) -> nn.Module:
    """Return WideResNet-28-10 for CIFAR (Table 4-I, left)."""
    layers: list[nn.Module] = [nn.Conv2d(3, 16, 3, padding=1, bias=False)]
    entry = 16
    for stage, width in enumerate((160, 320, 640)):
        for block in range(4):
            layers.append(WideBlock(entry, width, 2 if stage > 0 and block == 0 else 1))
            entry = width
    layers += [nn.BatchNorm2d(entry), nn.ReLU(inplace=True)]
    return Classifier(nn.Sequential(*layers), entry, classes)


def gunn(arch: str, memory_efficient: bool = True, classes: int = 10) -> nn.Module:
    """Return GUNN with its classifier."""
    backbone = GUNN(arch, memory_efficient=memory_efficient)
    return Classifier(backbone, backbone.out_channels[-1], classes)


@dataclass(frozen=True)
class Case:
    """What is compared with what.

    Attributes:
        ours: Builds our side.
        reference: Builds the other.
        same: Whether both are the same function.
        batch: Images in a batch.
        size: Side of an image in pixels.
        classes: Number of classes.
        limit: Highest memory ratio that counts as kept.
        limited: Which memory that is.
    """

    ours: Build
    reference: Build
    same: bool
    batch: int
    size: int
    classes: int
    limit: float
    limited: str = 'training_step_peak_mib'


CASES = {
    'gunn18': Case(
        lambda: gunn('gunn18', True, 1000), lambda: gunn('gunn18', False, 1000),
        same=True, batch=8, size=224, classes=1000, limit=0.35,
    ),
    'gunn15': Case(
        lambda: gunn('gunn15'), lambda: gunn('gunn15', False),
        same=True, batch=64, size=32, classes=10, limit=0.35,
    ),
    # The document's 2.485 and 4.903 GB (Table 4-I), which hold weights and momentum as well.
    'wide_resnet': Case(
        lambda: gunn('gunn15'), wide_resnet,
        same=False, batch=64, size=32, classes=10, limit=0.51, limited='training_peak_mib',
    ),
}  # fmt: skip


class Training:
    """A model with its optimizer: SGD with Nesterov momentum, as the document trains."""

    def __init__(self, build: Build, device: str) -> None:
        self.model = build().to(device).train()
        self.optimizer = SGD(
            self.model.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-4
        )

    def step(self, images: Tensor, labels: Tensor) -> None:
        """Train on a batch; the gradients do not stay."""
        F.cross_entropy(self.model(images), labels).backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


def largest_difference(case: Case, images: Tensor, device: str) -> float:
    """Return the distance of both sides' gradients, relative to their length."""
    sides = [case.ours().to(device).train(), case.reference().to(device).train()]
    sides[0].load_state_dict(sides[1].state_dict())
    flat = []
    for model in sides:
        model(images).square().mean().backward()
        flat.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    return ((flat[0] - flat[1]).norm() / flat[1].norm()).item()


def batch_of(case: Case, batch: int, device: str) -> tuple[Tensor, Tensor]:
    """Return random images ``(batch, 3, size, size)`` and labels ``(batch,)``."""
    torch.manual_seed(0)
    images = torch.randn(batch, 3, case.size, case.size, device=device)
    return images, torch.randint(0, case.classes, (batch,), device=device)


def train(build: Build, images: Tensor, labels: Tensor) -> Training:
    """Return a training that has made two steps, so that all its state is there."""
    training = Training(build, str(images.device))
    for _ in range(2):
        training.step(images, labels)
    return training


def memory(name: str, side: str, batch: int, rounds: int, device: str) -> dict[str, float]:
    """Measure one side (``'ours'`` or ``'reference'``), in a process that has done nothing yet.

    Returns:
        Peak memory in MiB of everything that training allocates (``training_peak_mib``) and of
        a step on top of weights and momentum (``training_step_peak_mib``, the median).
    """
    case = CASES[name]
    images, labels = batch_of(case, batch, device)
    build = partial(train, getattr(case, side), images, labels)
    whole = peak_memory(build, device)
    step = partial(build().step, images, labels)
    steps = statistics.median(peak_memory(step, device) for _ in range(rounds))
    return dict(training_peak_mib=whole, training_step_peak_mib=steps)


def times(name: str, batch: int, rounds: int, device: str) -> dict[str, Any]:
    """Measure seconds of a step of both sides, with the median of the ratios.

    Returns:
        ``training_step_seconds``; for two sides that are the same function also the distance
        of their gradients in float32 (``gradient_difference``).
    """
    case = CASES[name]
    images, labels = batch_of(case, batch, device)
    result: dict[str, Any] = {}
    if case.same:
        few = images[: max(2, batch // 8)]
        result['gradient_difference'] = largest_difference(case, few, device)
    ours = partial(train(case.ours, images, labels).step, images, labels)
    reference = partial(train(case.reference, images, labels).step, images, labels)
    result['training_step_seconds'] = paired_seconds(ours, reference, rounds, device, warm_up=0)
    return result


def compare(name: str, batch: int | None, rounds: int, device: str) -> dict[str, Any]:
    """Return what :func:`memory` and :func:`times` measure of a case, each in a fresh process."""
    case = CASES[name]
    batch = batch or case.batch

    def apart(function: Callable[..., Any], *args: object) -> Any:
        with fresh_process() as pool:
            return pool.submit(function, name, *args, batch, rounds, device).result()

    ours, reference = apart(memory, 'ours'), apart(memory, 'reference')
    memories = {key: summary([(ours[key], reference[key])]) for key in ours}
    kept = memories[case.limited]['ours_to_reference'] <= case.limit
    return dict(
        batch=batch,
        size=case.size,
        device=device,
        **memories,
        **apart(times),
        memory_limit=case.limit,
        within_memory_limit=kept,
    )


def fresh_process() -> Executor:
    """Return an executor with one new process, whose imports are done once for all of them."""
    context = get_context('forkserver')
    context.set_forkserver_preload(['mmvisx.models.backbones'])
    return ProcessPoolExecutor(1, context)


def main(args: list[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--cases', nargs='+', choices=CASES, default=list(CASES))
    parser.add_argument('--batch', type=int, help="images in a batch, in place of the case's")
    parser.add_argument('--rounds', type=int, default=5, help='turns that each side takes')
    parser.add_argument('--device', default='cpu', help='cpu, cuda, cuda:1, ...')
    parser.add_argument('--out', type=Path, help='JSON file to write')
    options = parser.parse_args(args)
    if options.device.startswith('cuda') and not torch.cuda.is_available():
        raise UserError(f'--device {options.device}: torch sees no GPU here')
    info = describe_machine()
    results = {}
    for name in options.cases:
        results[name] = compare(name, options.batch, options.rounds, options.device)
        print(json.dumps({name: results[name]}, indent=2), flush=True)
        if options.out:  # after each, so that what is cut off leaves what it has
            options.out.parent.mkdir(parents=True, exist_ok=True)
            content = {'machine': info, 'results': results}
            write_json(options.out, content)
    return 0


if __name__ == '__main__':
    run_cli(main)
