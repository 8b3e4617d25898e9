"""What Neural Rejuvenation costs: training steps with the hook, an event, and steps after it.

    OMP_NUM_THREADS=1 python tools/benchmarks/neural_rejuvenation.py \
        --out benchmarks/neural_rejuvenation.json

A step is mmengine's: hooks, forward, loss, backward, SGD with momentum, on random images; both
sides take turns. On one thread of a CPU processor seconds are taken, which other work on the
machine changes least.
"""

from __future__ import annotations

import argparse
import copy
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmpretrain.structures import DataSample
from torch import nn

from mmvisx.engine.hooks import NeuralRejuvenationHook
from mmvisx.registry import MODELS
from mmvisx.surgery.neural_rejuvenation import build_channel_graph, cost, rejuvenate, utilization
from mmvisx.utils import run_cli
from mmvisx.utils.files import write_json
from mmvisx.utils.machine import describe_machine
from mmvisx.utils.measure import summary

CLASSES = 1000
# Backbone, its channels, images a step, their side.
NETWORKS: dict[str, tuple[dict[str, Any], int, int, int]] = {
    'resnet50': (
        dict(type='mmvisx.ResNetTweak', depth=50, variant='b', zero_init_residual=False),
        2048,
        4,
        96,
    ),
    'vgg19': (dict(type='mmvisx.ConvVGG', depth=19, pool_after=(4, 10)), 512, 8, 32),
    'tiny': (dict(type='mmvisx.CifarBottleneckResNet', depth=11), 256, 4, 16),
}
VARIANTS = [(name, rescale) for name in ('NR', 'NR-CR', 'NR-CA') for rescale in (False, True)]
# The document's schedule, and when its Figure 5-1 reaches half of the utilization.
EPOCHS, EVENT = 90, (10, 20)


def clock() -> float:
    """Return processor seconds on one thread, else those of the wall."""
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


class Images(torch.utils.data.Dataset):
    """Random images.

    Args:
        number: How many.
        side: In pixels.
    """

    def __init__(self, number: int, side: int) -> None:
        self.number, self.side = number, side

    def __len__(self) -> int:
        return self.number

    def __getitem__(self, index: int) -> dict[str, Any]:
        sample = DataSample().set_gt_label(index % CLASSES)
        return dict(inputs=torch.randn(3, self.side, self.side), data_samples=sample)


def make_model(network: str) -> dict[str, Any]:
    """Return the config of a classifier."""
    backbone, channels, _, _ = NETWORKS[network]
    return dict(
        type='ImageClassifier',
        data_preprocessor=dict(mean=[0.0] * 3, std=[1.0] * 3, num_classes=CLASSES),
        backbone=backbone,
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=CLASSES, in_channels=channels),
    )


class Training:
    """A training that is driven step by step.

    Args:
        network: Of :data:`NETWORKS`.
        folder: For its logs.
        hooks: Further hooks.
    """

    def __init__(self, network: str, folder: str, *hooks: dict[str, Any]) -> None:
        _, _, batch, side = NETWORKS[network]
        self.runner = Runner(
            make_model(network),
            folder,
            train_dataloader=dict(
                batch_size=batch,
                dataset=Images(1000 * batch, side),
                sampler=dict(type='DefaultSampler', shuffle=False),
                collate_fn=dict(type='default_collate'),
            ),
            train_cfg=dict(by_epoch=True, max_epochs=2),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9)),
            custom_hooks=list(hooks),
            default_scope='mmpretrain',
            randomness=dict(seed=0),
            log_level='ERROR',
            experiment_name=f'{network}_{len(hooks)}_{time.time_ns()}',
        )
        self.times: list[float] = []

    def steps(self, other: Training, rounds: int, warm_up: int) -> list[tuple[float, float]]:
        """Train both in turns; return the seconds of each pair of steps."""
        loops = [self._begin(), other._begin()]
        pairs = []
        for turn in range(warm_up + rounds):
            # The second of a turn finds warmer caches; each side is second as often.
            order = (0, 1) if turn % 2 else (1, 0)
            times = [0.0, 0.0]
            for side in order:
                times[side] = loops[side](turn)
            pairs.append((times[0], times[1]))
        return pairs[warm_up:]

    def _begin(self) -> Callable[[int], float]:
        """Do what ``Runner.train`` does before its first iteration."""
        runner = self.runner
        runner._train_loop = loop = runner.build_train_loop(runner._train_loop)
        runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
        runner.optim_wrapper.initialize_count_status(runner.model, 0, loop.max_iters)
        runner.call_hook('before_run')
        runner.call_hook('before_train')
        runner.call_hook('before_train_epoch')
        runner.model.train()
        batch = next(iter(loop.dataloader))

        def step(index: int) -> float:
            data = copy.deepcopy(batch)
            start = clock()
            loop.run_iter(index, data)
            return clock() - start

        return step


def measure_steps(network: str, rounds: int, warm_up: int) -> dict[str, float]:
    """Time steps with the hook, its penalty on, against steps without it, between events."""
    # Nothing dies in these few steps, so that there is no event at any threshold.
    hook: dict[str, Any] = dict(type='mmvisx.NeuralRejuvenationHook', fixed_lambda=1e-4)
    with tempfile.TemporaryDirectory() as folder:
        ours = Training(network, f'{folder}/ours', hook)
        pairs = ours.steps(Training(network, f'{folder}/reference'), rounds, warm_up)
        watcher = next(h for h in ours.runner.hooks if isinstance(h, NeuralRejuvenationHook))
        check = _time_check(ours.runner, watcher)
    result = summary(pairs)
    result['percent_slower'] = round(100 * (result['ours_to_reference'] - 1), 2)
    result['check_seconds'] = check  # once an epoch
    return result


def _time_check(runner: Runner, hook: NeuralRejuvenationHook) -> float:
    start = clock()
    hook._check(runner, adapt=True, may_rejuvenate=False)
    return round(clock() - start, 4)


def _wither(model: nn.Module, share: float) -> None:
    """Shrink some of each norm's scales, so that its neurons are dead."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                number = module.num_features
                dead = torch.randperm(number, generator=generator)[: int(share * number)]
                module.weight[dead] = 1e-5


def measure_events(network: str, rounds: int) -> list[dict[str, Any]]:
    """Time an event of each variant, and a step after it against one of the plain network."""
    _, _, batch, side = NETWORKS[network]
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        plain = MODELS.build(make_model(network)).train()
    images = torch.randn(batch, 3, side, side)
    start = clock()
    graph = build_channel_graph(plain, torch.randn(2, 3, side, side))
    traced = clock() - start
    results = []
    for variant, rescale in VARIANTS:
        model = copy.deepcopy(plain)
        _wither(model, 0.3)
        optimizers = [
            torch.optim.SGD(m.parameters(), lr=1e-3, momentum=0.9) for m in (model, plain)
        ]
        _step(model, images, optimizers[0])  # fills the momentum
        start = clock()
        before = utilization(model, graph)
        done = rejuvenate(
            model,
            graph,
            cost(graph, 'params'),
            variant=variant,
            rescale=rescale,
            optimizers=optimizers[:1],
        )
        event = clock() - start
        pairs = []
        for turn in range(rounds + 1):
            order = (0, 1) if turn % 2 else (1, 0)
            times = [0.0, 0.0]
            for who in order:
                times[who] = _step((model, plain)[who], images, optimizers[who])
            pairs.append((times[0], times[1]))
        steps = summary(pairs[1:])
        slower = [
            round(100 * ((epoch + EPOCHS * steps['ours_to_reference']) / EPOCHS - 1), 1)
            for epoch in EVENT
        ]
        results.append(
            dict(
                variant=variant + '-BR' * rescale,
                trace_seconds=round(traced, 3),
                event_seconds=round(event, 3),
                utilization=round(before.ratio, 4),
                cost_to_target=round(done.cost / done.budget, 4),
                step_after=steps,
                percent_longer_training=dict(zip(map(str, EVENT), slower, strict=True)),
            )
        )
        print(json.dumps(results[-1]), flush=True)
    return results


def _step(model: nn.Module, images: torch.Tensor, optimizer: torch.optim.Optimizer) -> float:
    start = clock()
    loss = model(images).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return clock() - start


def main(args: list[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    parser = argparse.ArgumentParser(description='Time Neural Rejuvenation')
    parser.add_argument('--networks', nargs='+', choices=NETWORKS, default=['resnet50', 'vgg19'])
    parser.add_argument('--rounds', type=int, default=20, help='pairs of steps with the hook')
    parser.add_argument('--event-rounds', type=int, default=6, help='pairs of steps after an event')
    parser.add_argument('--warm-up', type=int, default=2, help='pairs that do not count')
    parser.add_argument('--out', type=Path, help='JSON file to write')
    options = parser.parse_args(args)
    info = describe_machine()
    results = {}
    for network in options.networks:
        steps = measure_steps(network, options.rounds, options.warm_up)
        print(network, json.dumps(steps), flush=True)
        events = measure_events(network, options.event_rounds)
        results[network] = dict(
            batch=NETWORKS[network][2], side=NETWORKS[network][3], steps=steps, events=events
        )
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        kept = {k: v for k, v in vars(options).items() if k != 'out'}
        name = 'process' if torch.get_num_threads() == 1 else 'wall'
        content = dict(machine=info, clock=name, options=kept, results=results)
        write_json(options.out, content)
    return 0


if __name__ == '__main__':
    run_cli(main)
