"""Time the ops that stand in for mmcv's compiled ones against these, and a training step with each.

Both are in one process and take turns; what is taken is its processor time, so one thread is best:
OMP_NUM_THREADS=1 python tools/benchmarks/ops.py --out benchmarks/ops.json
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import mmcv._ext as compiled
import torch
from mmcv.ops import nms, roi_align, soft_nms
from mmengine.registry import DATASETS
from mmengine.runner import Runner
from torch import Tensor
from tqdm import tqdm

from mmvisx.apis.build import build_model
from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes
from mmvisx.ops.mmcv_ext import functions, is_standing_in
from mmvisx.utils import UserError, run_cli
from mmvisx.utils.config import load_config
from mmvisx.utils.files import write_json
from mmvisx.utils.machine import describe_machine
from mmvisx.utils.measure import summary

CONFIG = 'detectors/htc_rfp_sac_nano_shapes'
# Of an image of 800x1333 pixels: boxes in one level of an RPN, regions in training.
IMAGE, BOXES, REGIONS = (1333.0, 800.0), 2000, 512
# What a call returns is the same on both sides: indices exactly, values to this.
TOLERANCE = 1e-4
Run = Callable[[], tuple[Tensor, ...]]


def use(module: ModuleType) -> None:
    """Let mmcv's Python functions call the ops of a module."""
    for name, user in list(sys.modules.items()):
        if name.startswith('mmcv.ops.') and hasattr(user, 'ext_module'):
            vars(user)['ext_module'] = module


def make_boxes(number: int) -> Tensor:
    """Return random boxes ``(number, 4)`` in the image, x1 y1 x2 y2 in pixels."""
    size = torch.tensor(IMAGE)
    corner = torch.rand(number, 2) * size
    return torch.cat((corner, torch.min(corner + torch.rand(number, 2) * 300, size)), 1)


def op_runs() -> Iterator[tuple[str, int, Run]]:
    """Yield (name, calls in a turn, call) of the ops."""
    boxes, scores = make_boxes(BOXES), torch.rand(BOXES)
    yield f'nms, {BOXES} boxes', 20, lambda: nms(boxes, scores, 0.7)
    few, few_scores = boxes[:200], scores[:200]
    yield 'soft_nms, 200 boxes', 10, lambda: soft_nms(few, few_scores, 0.5)
    x = torch.randn(1, 256, 50, 84, requires_grad=True)
    rois = torch.cat((torch.zeros(REGIONS, 1), make_boxes(REGIONS)), 1)
    grad = torch.randn(REGIONS, 256, 7, 7)

    def forward() -> tuple[Tensor]:
        with torch.no_grad():
            return (roi_align(x, rois, 7, 1 / 16, 0),)

    def both() -> tuple[Tensor, ...]:
        out = roi_align(x, rois, 7, 1 / 16, 0)
        return out, *torch.autograd.grad(out, x, grad)

    yield f'roi_align, {REGIONS} regions', 1, forward
    yield f'roi_align with gradient, {REGIONS} regions', 1, both


def training_step(folder: Path) -> Run:
    """Return a step of the small detector on one batch of rendered images."""
    make_shapes(folder, ShapesConfig(train=4, val=1))
    cfg = load_config(CONFIG)
    model: Any = build_model(cfg).train()
    loader = cfg.train_dataloader
    loader.update(num_workers=0, persistent_workers=False)
    loader.dataset.data_root = f'{folder}/coco/'
    images = DATASETS.build(loader.dataset)
    batch = next(iter(Runner.build_dataloader({**loader, 'dataset': images})))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0)  # every step is the same

    def step() -> tuple[Tensor]:
        torch.manual_seed(0)  # which boxes are sampled
        data = model.data_preprocessor(copy.deepcopy(batch), True)
        loss, _ = model.parse_losses(model(**data, mode='loss'))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return (loss.detach(),)

    return step


def compare(name: str, calls: int, run: Run, rounds: int) -> dict[str, Any]:
    """Time a call with both kinds of ops in turns.

    Returns:
        ``ours`` and ``reference``: medians, milliseconds of processor time a call; their ratio.

    Raises:
        RuntimeError: They do not return the same.
    """
    sides = (functions, compiled)
    found = []
    for module in sides:
        use(module)
        found.append(run())
    for one, other in zip(*found, strict=True):
        if one.shape != other.shape or (one - other).abs().max() > TOLERANCE:
            raise RuntimeError(f'{name}: the results of both kinds of ops differ')
    pairs = []
    for turn in tqdm(range(rounds), desc=name):
        times = {}
        # The second of a turn finds warmer caches; each side is second as often.
        for module in sides if turn % 2 else sides[::-1]:
            use(module)
            start = time.process_time()
            for _ in range(calls):
                run()
            times[module] = (time.process_time() - start) * 1e3 / calls
        pairs.append((times[functions], times[compiled]))
    return dict(name=name, **summary(pairs))


def main(args: list[str] | None = None) -> int:
    """Measure, print and write the JSON file.

    Raises:
        UserError: Nothing is compiled.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', type=Path, help='JSON file to write')
    parser.add_argument('--rounds', type=int, default=20, help='turns that each side takes')
    options = parser.parse_args(args)
    if is_standing_in():
        raise UserError("mmcv has no compiled ops here: build them with 'make setup OPS=compiled'")
    torch.manual_seed(0)
    info = describe_machine()
    with tempfile.TemporaryDirectory() as folder:
        step = training_step(Path(folder, 'shapes'))
        runs = [*op_runs(), (f'training step, {CONFIG}', 1, step)]
        results = [compare(*run, options.rounds) for run in runs]
    for result in results:
        print(json.dumps(result))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        content = dict(machine=info, unit='milliseconds', results=results)
        write_json(options.out, content)
    return 0


if __name__ == '__main__':
    run_cli(main)
