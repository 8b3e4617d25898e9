"""What a step of Deep Co-Training costs, against plain training of its networks.

Views are CNN-13 of half the width, images and labels random: 8 labelled and 92 unlabelled ones for
each view. Sides of a ratio are in one process and take turns. On a CPU their processor time is
compared, so one thread is best:
OMP_NUM_THREADS=1 python tools/benchmarks/co_training.py --out benchmarks/co_training.json
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmpretrain.structures import DataSample
from mmpretrain.utils import register_all_modules
from torch import Tensor, nn

from mmvisx.engine.hooks.co_training_monitor import compare_views
from mmvisx.models.classifiers import CoTrainingClassifier
from mmvisx.utils import run_cli
from mmvisx.utils.files import write_json
from mmvisx.utils.machine import describe_machine
from mmvisx.utils.measure import paired_memory, paired_seconds, seconds

CLASSES = 10
PIXELS = dict(mean=[125.3, 123.0, 113.9], std=[63.0, 62.1, 66.7])


class Costs:
    """Steps of two and four views, and plain ones, on the same images.

    Args:
        args: Of the command line.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        size = (3, args.side, args.side)
        images = 2 * (args.batch + args.labelled)
        self.images = torch.randn(images, *size, device=args.device)
        self.labels = torch.randint(0, CLASSES, (images,), device=args.device)
        self.samples = self._samples(2)

    def _samples(self, bundles: int) -> list[DataSample]:
        kinds = torch.arange(self.args.batch + self.args.labelled) < 2 * self.args.labelled
        labels = self.labels.where(kinds.repeat(2).to(self.labels.device), -1)
        samples = [DataSample().set_gt_label(label) for label in labels.cpu()]
        return [sample.to(self.args.device) for sample in samples[: bundles * len(kinds)]]

    def model(self, views: int = 2, **options: Any) -> CoTrainingClassifier:
        """Return a co-trained classifier."""
        width = self.args.width
        view = dict(
            type='ImageClassifier',
            backbone=dict(type='mmvisx.CNN13', width=width),
            neck=dict(type='GlobalAveragePooling'),
            head=dict(type='LinearClsHead', num_classes=CLASSES, in_channels=round(128 * width)),
        )
        built = CoTrainingClassifier([view] * views, data_preprocessor=PIXELS, **options)
        return built.to(self.args.device).train()

    def step(self, model: CoTrainingClassifier) -> Callable[[], None]:
        """Return a step without the optimizer's, which is the same for all."""
        count = len(model.views) // 2 * len(self.samples) // 2

        def run() -> None:
            losses = model.loss(self.images[:count], self.samples[:count])
            self._backward(model, model.parse_losses(losses)[0])

        return run

    def plain(self, views: nn.ModuleList, together: bool = False) -> Callable[[], None]:
        """Return forward and backward of each view on a batch of labelled images.

        Args:
            views: Networks.
            together: Backward after both forwards, as of one loss for all.
        """
        x, y = self.images[: self.args.batch], self.labels[: self.args.batch]

        def run() -> None:
            if together:
                losses = [F.cross_entropy(view(x, mode='tensor'), y) for view in views]
                self._backward(views, torch.stack(losses).sum())
                return
            for view in views:
                self._backward(view, F.cross_entropy(view(x, mode='tensor'), y))

        return run

    @staticmethod
    def _backward(model: nn.Module, loss: Tensor) -> None:
        loss.backward()
        model.zero_grad()

    def ratio(self, ours: Callable[[], Any], reference: Callable[[], Any]) -> dict[str, float]:
        """Return the seconds of both, and their ratio."""
        clock = time.process_time if self.args.device == 'cpu' else time.perf_counter
        return paired_seconds(ours, reference, self.args.rounds, self.args.device, clock=clock)

    def measure(self) -> dict[str, Any]:
        """Return all costs, but that of data."""
        model, shared = self.model(), self.model(attack='shared')
        step, plain = self.step(model), self.plain(model.views)
        result: dict[str, Any] = dict(
            two_views=self.ratio(step, plain),
            shared=self.ratio(self.step(shared), self.plain(shared.views)),
        )
        model.lambda_dif = 0.0
        result['two_views_without_difference'] = self.ratio(step, plain)
        model.lambda_dif = 0.5
        together = self.plain(model.views, together=True)
        result['memory'] = paired_memory(step, together, self.args.device)
        result['memory_against_one_after_the_other'] = paired_memory(step, plain, self.args.device)
        result['memory_shared'] = paired_memory(
            self.step(shared), self.plain(shared.views, together=True), self.args.device
        )
        four = self.step(self.model(4))
        result['four_views'] = self.ratio(four, step)
        result['memory_four_views'] = paired_memory(four, step, self.args.device)
        images, labels = (
            self.images[: len(self.samples) // 2],
            torch.cat([sample.gt_label for sample in self.samples[: len(self.samples) // 2]]),
        )
        watched = self.ratio(lambda: compare_views(model, images, labels), step)
        share = round(watched['ours_to_reference'] / self.args.interval, 4)
        result['monitor'] = dict(watched, interval=self.args.interval, share=share)
        return result

    def data(self, folder: Path) -> dict[str, Any]:
        """Train from files, and return the share of the time that went into waiting for them.

        Args:
            folder: Where images are written.
        """
        write_images(folder, self.args.side)
        loader = data_loader(self.args, folder, workers=1)
        model = self.model()
        waited, trained = [], []
        batches = iter(loader)
        next(batches)  # starts the worker
        for _ in range(self.args.rounds):
            start = time.perf_counter()
            batch = next(batches)
            waited.append(time.perf_counter() - start)

            def run(batch: Any = batch) -> None:
                given = model.data_preprocessor(batch, True)
                losses = model.loss(given['inputs'], given['data_samples'])
                self._backward(model, model.parse_losses(losses)[0])

            trained.append(seconds(run, self.args.device))
        alone = iter(data_loader(self.args, folder, workers=0))
        loading = [seconds(lambda: next(alone), clock=time.process_time) for _ in range(3)]
        return dict(
            workers=1,
            waiting_seconds=round(sum(waited) / len(waited), 4),
            step_seconds=round(sum(trained) / len(trained), 4),
            share=round(sum(waited) / (sum(waited) + sum(trained)), 4),
            loading_processor_seconds=round(min(loading), 4),
        )


def write_images(folder: Path, side: int) -> None:
    """Write 200 images of noise of each class."""
    random = np.random.default_rng(0)
    for label in range(CLASSES):
        (folder / str(label)).mkdir(parents=True)
        for number in range(200):
            pixels = random.integers(0, 256, (side, side, 3), np.uint8)
            cv2.imwrite(str(folder / str(label) / f'{number}.png'), pixels)


def data_loader(args: argparse.Namespace, folder: Path, workers: int) -> Any:
    """Return a loader with the augmentation of CIFAR."""
    pipeline = [
        dict(type='mmvisx.LoadImageFromFile'),
        dict(type='RandomCrop', crop_size=args.side, padding=2, padding_mode='reflect'),
        dict(type='RandomFlip', prob=0.5, direction='horizontal'),
        dict(type='PackInputs'),
    ]
    config = dict(
        batch_size=args.batch,
        num_workers=workers,
        sampler=dict(type='DefaultSampler', shuffle=True),
        batch_sampler=dict(type='mmvisx.BundleBatchSampler', bundles=1),
        collate_fn=dict(type='default_collate'),
        dataset=dict(
            type='mmvisx.SemiSupervised',
            labelled=max(1, args.labelled * 200 // args.batch),
            dataset=dict(type='mmvisx.ImageFolder', data_prefix=str(folder), pipeline=pipeline),
        ),
    )
    return Runner.build_dataloader(ConfigDict(config), seed=0)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--width', type=float, default=0.5, help='of the CNN-13')
    parser.add_argument('--batch', type=int, default=100, help='images of a view in a step')
    parser.add_argument('--labelled', type=int, default=8, help='of these')
    parser.add_argument('--side', type=int, default=32, help='of the images, pixels')
    parser.add_argument('--rounds', type=int, default=5, help='turns of each side')
    parser.add_argument('--interval', type=int, default=50, help="the view monitor's, steps")
    parser.add_argument('--device', choices=['cpu', 'cuda'], default='cpu')
    parser.add_argument('--out', type=Path, help='JSON file to write')
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    args = parse(arguments)
    torch.manual_seed(0)
    register_all_modules()
    init_default_scope('mmpretrain')
    info = describe_machine()
    costs = Costs(args)
    result = costs.measure()
    with tempfile.TemporaryDirectory() as folder:
        result['data'] = costs.data(Path(folder) / 'images')
    for name, numbers in result.items():
        print(f'{name}: {numbers}')
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        unit = 'seconds of processor time' if args.device == 'cpu' else 'seconds'
        write_json(args.out, dict(machine=info, unit=f'{unit}, MiB', result=result))
    return 0


if __name__ == '__main__':
    run_cli(main)
