"""What teaching a classifier costs: a taught ResNet-50, new classes, a bank of activations.

Weights, images and activations are random. Sides of a ratio are in one process and take turns, and
their processor time is compared, so one thread is best; memory is that of processes of their own:
OMP_NUM_THREADS=1 python tools/benchmarks/few_shot.py --out benchmarks/few_shot.json
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmpretrain.registry import MODELS as CLASSIFIERS
from mmpretrain.utils import register_all_modules

from mmvisx.analysis.few_shot_rows import Known, nearest
from mmvisx.datasets import StatisticSets
from mmvisx.datasets.classification.few_shot_bank import write_bank
from mmvisx.models.classifiers import PredictorTraining
from mmvisx.models.heads import PredictedHead
from mmvisx.surgery.few_shot import teach_head
from mmvisx.utils import run_cli
from mmvisx.utils.files import write_json
from mmvisx.utils.machine import describe_machine
from mmvisx.utils.measure import summary

CHANNELS = 2048
PREDICTOR = dict(type='mmvisx.ParameterPredictor', channels=CHANNELS, depth=2)
SHOTS = 3
# Of the document's data: the size that nearest neighbours are given for.
WHOLE = 200_000
MEGABYTE = 2**20
ROOT = Path(__file__).resolve().parents[2]


def taught_head(large: int, few: int) -> PredictedHead:
    """Return a head of random classes, the few ones with three samples each."""
    head = PredictedHead(PREDICTOR, large)
    head.set_large(torch.rand(large, CHANNELS))
    for k in range(few):
        head.add_category(str(k), torch.rand(SHOTS, CHANNELS))
    return head


def turns(rounds: int, ours: Callable[[], Any], reference: Callable[[], Any]) -> dict[str, float]:
    """Return the summary of both sides' processor seconds, after one round that is not counted."""
    pairs = []
    for turn in range(rounds + 1):
        times = {}
        # The second of a turn finds warmer caches; each side is second as often.
        for run in (ours, reference) if turn % 2 else (reference, ours):
            start = time.process_time()
            run()
            times[run] = time.process_time() - start
        pairs.append((times[ours], times[reference]))
    return summary(pairs[1:])


@torch.no_grad()
def forward_and_adding(args: argparse.Namespace) -> dict[str, Any]:
    """Time a taught ResNet-50 against a plain one, and adding classes against their forward."""
    register_all_modules()
    cfg = ConfigDict(
        type='ImageClassifier',
        backbone=dict(type='ResNet', depth=50),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=args.large + args.few, in_channels=CHANNELS),
    )
    plain: Any = CLASSIFIERS.build(cfg).eval()
    taught: Any = CLASSIFIERS.build(cfg).eval()
    taught.backbone = plain.backbone
    teach_head(taught, PREDICTOR, args.large)
    taught.head.load_state_dict(plain.head.state_dict(), strict=False)
    head = taught_head(args.large, args.few)
    head.before = taught.head.before
    taught.head = head
    images = torch.randn(args.batch, 3, args.side, args.side)

    def run(model: Any) -> Callable[[], Any]:
        return lambda: model.head(model.extract_feat(images))

    forward = turns(args.rounds, run(taught), run(plain))
    samples = torch.rand(args.few, SHOTS, CHANNELS)

    def add() -> None:
        fresh = PredictedHead(PREDICTOR, args.large)
        for k, activations in enumerate(samples):
            fresh.add_category(str(k), activations)

    adding = turns(max(2, args.rounds // 4), add, run(plain))
    times = args.few * SHOTS / args.batch
    return dict(
        taught=dict(batch=args.batch, **forward),
        adding=dict(
            classes=args.few,
            seconds=adding['ours'],
            photos=f'{args.few * SHOTS}, their forward scaled from {args.batch}',
            forward_seconds=round(adding['reference'] * times, 2),
            ratio=round(adding['ours_to_reference'] / times, 4),
        ),
    )


@torch.no_grad()
def nearest_neighbour(args: argparse.Namespace) -> dict[str, Any]:
    """Time and weigh the comparison with every activation against the head."""
    rng = np.random.default_rng(0)
    activations = rng.random((args.nearest, CHANNELS), np.float32)
    labels = np.arange(args.nearest) % args.large
    means = np.stack([activations[labels == k].mean(axis=0) for k in range(args.large)])
    support = rng.random((args.few, SHOTS, CHANNELS), np.float32)
    score = nearest()(Known(activations, labels, means, support))
    del activations
    head = taught_head(args.large, args.few)
    queries = rng.random((args.queries, CHANNELS), np.float32)
    tensor = torch.from_numpy(queries)
    times = turns(max(2, args.rounds // 4), lambda: score(queries), lambda: head.classify(tensor))
    scale = WHOLE / args.nearest
    held = (len(head.large_weight) + len(head.few_weight)) * CHANNELS * 4
    whole = WHOLE * CHANNELS * 4
    return dict(
        images=f'{WHOLE} x {CHANNELS} float32, time scaled from {args.nearest}',
        nearest_milliseconds=round(1e3 * times['ours'] * scale / args.queries, 3),
        head_milliseconds=round(1e3 * times['reference'] / args.queries, 4),
        time_ratio=round(times['ours_to_reference'] * scale, 1),
        nearest_megabytes=round(whole / MEGABYTE, 1),
        head_megabytes=round(held / MEGABYTE, 1),
        memory_ratio=round(whole / held, 1),
    )


def make_bank(folder: Path, images: int, large: int) -> None:
    """Write a bank of random float16 activations."""
    rng = np.random.default_rng(0)
    activations = np.empty((images, CHANNELS), np.float16)
    for start in range(0, images, 4096):
        part = activations[start : start + 4096]
        part[:] = rng.random(part.shape, np.float32)
    write_bank(folder, activations, np.arange(images) % large, [str(k) for k in range(large)])


def training(bank: Path) -> tuple[StatisticSets, Callable[[dict[str, Any]], None]]:
    """Return the sets of a bank and a step of phi-2 on one of them."""
    sets = StatisticSets(bank, steps=10**6, p_mean=0.9)
    model = PredictorTraining(PREDICTOR)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4)

    def step(sample: dict[str, Any]) -> None:
        loss = model(**{key: [value] for key, value in sample.items()}, mode='loss')['loss']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return sets, step


def hold(bank: Path, steps: int, sampled: int) -> None:
    """Train, draw further sets, and print the most memory that was held, in MiB."""
    sets, step = training(bank)
    for index in range(steps):
        step(sets[index])
    for index in range(steps, steps + sampled):
        sets[index]
    # Not getrusage: its peak counts the process that started this one.
    status = Path('/proc/self/status').read_text().splitlines()
    print(next(int(line.split()[1]) for line in status if line.startswith('VmHWM')) / 1024)


def held_by(bank: Path, args: argparse.Namespace) -> float:
    """Return what a process of its own holds at most, in MiB."""
    command = [sys.executable, '-m', 'tools.benchmarks.few_shot', '--hold', str(bank)]
    command += ['--steps', str(args.steps), '--sampled', str(args.sampled)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def bank_costs(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Weigh a training over a bank and over a tenth of it; time the sampling in a step."""
    sizes = dict(whole=args.bank, tenth=args.bank // 10)
    for name, images in sizes.items():
        make_bank(folder / name, images, args.large)
    held = {name: held_by(folder / name, args) for name in sizes}
    sets, step = training(folder / 'whole')
    pairs = []
    for index in range(args.rounds + 1):
        start = time.process_time()
        sample = sets[index]
        drawn = time.process_time() - start
        step(sample)
        pairs.append((drawn, time.process_time() - start))
    sampling = summary(pairs[1:])
    return dict(
        memory=dict(
            images=f'{args.bank} x {CHANNELS} float16, {sizes["tenth"]} for a tenth',
            whole_megabytes=round(held['whole'], 1),
            tenth_megabytes=round(held['tenth'], 1),
            more_megabytes=round(held['whole'] - held['tenth'], 1),
        ),
        sampling=dict(
            size=f'{args.large} x {CHANNELS}',
            milliseconds=round(1e3 * sampling['ours'], 2),
            step_milliseconds=round(1e3 * sampling['reference'], 1),
            share=sampling['ours_to_reference'],
        ),
    )


def main(arguments: list[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--large', type=int, default=900, help='large classes')
    parser.add_argument('--few', type=int, default=100, help='few classes, of three samples each')
    parser.add_argument('--side', type=int, default=224, help='of the images, pixels')
    parser.add_argument('--batch', type=int, default=4, help='images of a forward')
    parser.add_argument('--rounds', type=int, default=12, help='turns of each side')
    parser.add_argument('--nearest', type=int, default=50_000, help='activations compared with')
    parser.add_argument('--queries', type=int, default=256, help='images classified from those')
    parser.add_argument('--bank', type=int, default=WHOLE, help='activations of the bank')
    parser.add_argument('--steps', type=int, default=10, help='of a training that is weighed')
    parser.add_argument('--sampled', type=int, default=1000, help='further sets that it draws')
    parser.add_argument('--hold', type=Path, help=argparse.SUPPRESS)
    parser.add_argument('--out', type=Path, help='JSON file to write')
    args = parser.parse_args(arguments)
    if args.hold:
        hold(args.hold, args.steps, args.sampled)
        return 0
    torch.manual_seed(0)
    info = describe_machine()
    result = forward_and_adding(args)
    result['nearest'] = nearest_neighbour(args)
    with tempfile.TemporaryDirectory() as folder:
        result |= bank_costs(args, Path(folder))
    for name, numbers in result.items():
        print(f'{name}: {numbers}')
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        write_json(args.out, dict(machine=info, unit='seconds of processor time', result=result))
    return 0


if __name__ == '__main__':
    run_cli(main)
