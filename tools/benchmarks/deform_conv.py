"""Time our deformable convolution on this CPU against torchvision's and mmcv's.

Example: python tools/benchmarks/deform_conv.py --out benchmarks/deform_conv.json
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmcv.ops import deform_conv2d as mmcv_deform_conv2d
from torch import Tensor
from torch.utils.benchmark import Timer
from torchvision.ops import deform_conv2d as torchvision_deform_conv2d
from tqdm import tqdm

from mmvisx.models.layers import deform_conv2d
from mmvisx.utils import run_cli
from mmvisx.utils.files import write_json
from mmvisx.utils.machine import describe_machine

# (N, C, H, W) of the 3x3 convolutions of a ResNet-50's stages 2 to 4 at 512x512.
SHAPES = ((1, 128, 64, 64), (1, 256, 32, 32), (1, 512, 16, 16))
OPS: dict[str, Callable[..., Tensor]] = {
    'mmvisx': lambda x, o, w: deform_conv2d(x, o, w, padding=1),
    'torchvision': lambda x, o, w: torchvision_deform_conv2d(x, o, w, padding=1),
    'mmcv': lambda x, o, w: mmcv_deform_conv2d(x, o, w, 1, 1, 1, 1, 1, False, x.shape[0]),
}


def forward(op: Callable[..., Tensor], tensors: tuple[Tensor, ...]) -> None:
    """Run without gradients."""
    with torch.no_grad():
        op(*tensors)


def forward_backward(op: Callable[..., Tensor], tensors: tuple[Tensor, ...]) -> None:
    """Run with the gradients of features, offsets and weight."""
    out = op(*tensors)
    torch.autograd.grad(out, tensors, torch.ones_like(out))


MODES = {'forward': forward, 'forward_backward': forward_backward}


def measure(shape: tuple[int, int, int, int], rounds: int, seconds: float) -> dict[str, Any]:
    """Time all ops on one shape.

    The ops take turns, and a ratio is taken within a round, so that other work on the
    machine slows both of its sides.

    Returns:
        Per mode: median milliseconds of each op, and the median of how many times
        longer the others took.
    """
    n, c, h, w = shape
    tensors = (torch.randn(shape), torch.randn(n, 18, h, w), torch.randn(c, c, 3, 3) / 3 / c**0.5)
    tensors = tuple(t.requires_grad_() for t in tensors)  # type: ignore[assignment]
    expected = OPS['torchvision'](*tensors)
    result: dict[str, Any] = {'shape': list(shape)}
    for name, op in OPS.items():
        error = (op(*tensors) - expected).abs().max().item()
        if error > 1e-3:
            raise RuntimeError(f'{name} differs from torchvision by {error} on {shape}')
    for mode, run in MODES.items():
        times: dict[str, list[float]] = {name: [] for name in OPS}
        for _ in tqdm(range(rounds), desc=f'{shape} {mode}'):
            for name, op in OPS.items():
                timer = Timer(
                    'run(op, tensors)',
                    globals={'run': run, 'op': op, 'tensors': tensors},
                    num_threads=torch.get_num_threads(),
                )
                measurement = timer.blocked_autorange(min_run_time=seconds)
                times[name].append(measurement.median)
        result[mode] = {
            'milliseconds': {k: round(1e3 * statistics.median(v), 2) for k, v in times.items()},
            'times_faster_than': {
                name: round(
                    statistics.median(
                        a / b for a, b in zip(times[name], times['mmvisx'], strict=True)
                    ),
                    2,
                )
                for name in OPS
                if name != 'mmvisx'
            },
        }
    return result


def main(args: list[str] | None = None) -> int:
    """Measure, print a table and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', type=Path, help='JSON file to write')
    parser.add_argument('--rounds', type=int, default=5, help='turns that each op takes')
    parser.add_argument('--seconds', type=float, default=0.2, help='length of a turn')
    parser.add_argument('--threads', type=int, help="PyTorch's threads")
    options = parser.parse_args(args)
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    info = describe_machine()
    results = [measure(shape, options.rounds, options.seconds) for shape in SHAPES]
    for result in results:
        for mode in MODES:
            numbers = result[mode]
            print(f'{result["shape"]} {mode}: {numbers["milliseconds"]} ms')
            print(f'    mmvisx is faster by {numbers["times_faster_than"]}')
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        content = {'machine': info, 'results': results}
        write_json(options.out, content)
    return 0


if __name__ == '__main__':
    run_cli(main)
