"""Compare our DetectoRS backbone and neck with mmdet's: time, peak memory, outputs.

Both hold the same weights, in one process, and take turns.

Example: python tools/benchmarks/detectors_features.py --out benchmarks/detectors_features.json
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor, nn
from tqdm import tqdm

from mmvisx.utils import run_cli
from mmvisx.utils.machine import describe_machine

CONFIG = Path(__file__).resolve().parents[2] / 'configs' / 'detectors' / 'htc_rfp_sac.py'
OURS_TO_MMDET = {
    'mmvisx.DetectoRSResNet': 'DetectoRS_ResNet',
    'mmvisx.RecursiveFeaturePyramid': 'RFP',
    'mmvisx.ConvAWS2d': 'ConvAWS',
    'mmvisx.SwitchableAtrousConv2d': 'SAC',
}


class Features(nn.Module):
    """Backbone and neck."""

    def __init__(self, backbone: dict, neck: dict) -> None:
        super().__init__()
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images ``(N, 3, H, W)`` to the pyramid."""
        return self.neck(self.backbone(x))


def build() -> tuple[Features, Features]:
    """Return mmdet's and our features with the same weights, every path of SAC and RFP live."""
    init_default_scope('mmdet')
    model = Config.fromfile(CONFIG).model
    model.backbone.init_cfg = model.neck.rfp_backbone.init_cfg = None
    ours = Features(model.backbone, model.neck)
    ours.backbone.init_weights()
    ours.neck.init_weights()
    with torch.no_grad():
        for name, parameter in ours.named_parameters():
            if any(part in name for part in ('weight_diff', 'switch', 'context', 'offset', 'rfp_')):
                parameter.add_(torch.randn_like(parameter) * 0.01)
            elif name.endswith('bn3.weight'):
                parameter.fill_(0.2)
    reference = Features(_renamed(model.backbone), _renamed(model.neck))
    reference.load_state_dict(ours.state_dict())
    return reference, ours


def _renamed(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _renamed(value) for key, value in node.items()}
    return OURS_TO_MMDET.get(node, node) if isinstance(node, str) else node


def infer(model: nn.Module, x: Tensor) -> tuple[Tensor, ...]:
    """Run without gradients."""
    with torch.no_grad():
        return model(x)


def train_step(model: nn.Module, x: Tensor) -> None:
    """Run forward and backward."""
    sum(out.square().mean() for out in model(x)).backward()
    model.zero_grad(set_to_none=True)


def seconds(run: Callable[[nn.Module, Tensor], Any], model: nn.Module, x: Tensor) -> float:
    """Time one call."""
    start = time.perf_counter()
    run(model, x)
    return time.perf_counter() - start


def peak_memory(run: Callable[[nn.Module, Tensor], Any], model: nn.Module, x: Tensor) -> float:
    """Return how many MiB one call needs at its peak on top of what is there (Linux)."""
    gc.collect()
    ctypes.CDLL('libc.so.6').malloc_trim(0)
    Path('/proc/self/clear_refs').write_text('5')  # resets the peak
    before = _status('VmRSS')
    run(model, x)
    return (_status('VmHWM') - before) / 1024


def _status(key: str) -> int:
    for line in Path('/proc/self/status').read_text().splitlines():
        if line.startswith(key + ':'):
            return int(line.split()[1])
    raise RuntimeError(f'/proc/self/status has no {key}')


def compare(size: int, batch: int, rounds: int) -> dict[str, Any]:
    """Measure both models.

    Returns:
        Per task the median seconds of each side and the median of ours / reference taken
        within a round; the same for the peak memory of a training step in MiB; the
        largest relative difference of the outputs, level by level.
    """
    reference, ours = build()
    x = torch.randn(batch, 3, size, size)
    reference.eval()
    ours.eval()
    pairs = zip(infer(ours, x), infer(reference, x), strict=True)
    result: dict[str, Any] = {
        'size': size,
        'batch': batch,
        'largest_relative_difference': max(((a - b).norm() / b.norm()).item() for a, b in pairs),
    }
    for task, run in (('inference', infer), ('training_step', train_step)):
        for model in (reference, ours):
            model.train(task == 'training_step')
            run(model, x)
        times = [
            (seconds(run, ours, x), seconds(run, reference, x))
            for _ in tqdm(range(rounds), desc=task)
        ]
        result[task] = _summary(times)
    memory = [(peak_memory(train_step, ours, x), peak_memory(train_step, reference, x))]
    result['training_step_peak_mib'] = _summary(memory)
    return result


def _summary(pairs: list[tuple[float, float]]) -> dict[str, float]:
    return {
        'ours': round(statistics.median(a for a, _ in pairs), 3),
        'reference': round(statistics.median(b for _, b in pairs), 3),
        'ours_to_reference': round(statistics.median(a / b for a, b in pairs), 3),
    }


def main(args: list[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', type=Path, help='JSON file to write')
    parser.add_argument('--size', type=int, default=512, help='side of the images in pixels')
    parser.add_argument('--batch', type=int, default=1)
    parser.add_argument('--rounds', type=int, default=5, help='turns that each side takes')
    options = parser.parse_args(args)
    torch.manual_seed(0)
    info = describe_machine()
    result = compare(options.size, options.batch, options.rounds)
    print(json.dumps(result, indent=2))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps({'machine': info, 'result': result}, indent=2) + '\n')
    return 0


if __name__ == '__main__':
    run_cli(main)
