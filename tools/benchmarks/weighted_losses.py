"""Time a training step with and without weighted losses, for every family of detectors.

mmdet's own recipes, and DetectoRS; both sides hold the same weights, get the same boxes (with
weights, which only one side looks at) and random numbers, in one process, in turns. On a CPU the
time is the processor's, so that other processes on the machine do not count.

python tools/benchmarks/weighted_losses.py --out benchmarks/weighted_losses.json
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from pathlib import Path
from typing import Any

import mmdet
import torch
from mmdet.testing import demo_mm_inputs
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn

from mmvisx.apis.build import build_model
from mmvisx.surgery import weight_box_losses
from mmvisx.utils import run_cli
from mmvisx.utils.files import write_json
from mmvisx.utils.machine import describe_machine
from mmvisx.utils.measure import seconds, summary

MMDET = Path(mmdet.__file__).parent / '.mim' / 'configs'
OURS = Path(__file__).resolve().parents[2] / 'configs'
RECIPES = {
    'YOLOv3': MMDET / 'yolo/yolov3_d53_8xb8-ms-416-273e_coco.py',
    'SSD': MMDET / 'ssd/ssd300_coco.py',
    'RetinaNet': MMDET / 'retinanet/retinanet_r50_fpn_1x_coco.py',
    'FCOS': MMDET / 'fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py',
    'ATSS': MMDET / 'atss/atss_r50_fpn_1x_coco.py',
    'Faster R-CNN': MMDET / 'faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
    'Mask R-CNN': MMDET / 'mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py',
    'Cascade R-CNN': MMDET / 'cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py',
    'HTC': MMDET / 'htc/htc_r50_fpn_1x_coco.py',
    'DetectoRS': OURS / 'detectors/htc_rfp_sac.py',
}
SIDES = {'SSD': 300}  # the only input of that recipe
BOXES = 8


def build(path: Path) -> nn.Module:
    """Build a recipe's detector with random weights."""
    cfg = Config.fromfile(path)
    for part in (cfg.model.backbone, cfg.model.neck.get('rfp_backbone') or {}):
        part.pop('init_cfg', None)
    torch.manual_seed(0)
    return build_model(cfg).train()


def make_data(side: int, batch: int) -> dict[str, Any]:
    """Draw a batch of images with masks, a map and weights."""
    data = demo_mm_inputs(
        batch, [(3, side, side)] * batch, num_items=[BOXES] * batch, with_mask=True
    )
    semantic = demo_mm_inputs(
        batch, [(3, side, side)] * batch, sem_seg_output_strides=8, with_semantic=True
    )
    for sample, other in zip(data['data_samples'], semantic['data_samples'], strict=True):
        sample.gt_sem_seg = other.gt_sem_seg
        sample.gt_instances.weights = torch.rand(BOXES)
    return dict(data)


def step(model: Any, data: dict[str, Any]) -> None:
    """Run forward and backward pass with the same random numbers each time."""
    torch.manual_seed(0)
    batch = model.data_preprocessor(copy.deepcopy(data), True)
    loss, _ = model.parse_losses(model(**batch, mode='loss'))
    loss.backward()
    model.zero_grad(set_to_none=True)


def compare(name: str, side: int, batch: int, rounds: int, device: str) -> dict[str, Any]:
    """Measure one family.

    Returns:
        Median seconds of a weighted (``ours``) and a plain step (``reference``), and the
        median of their ratio within a turn.
    """
    init_default_scope('mmdet')
    side = SIDES.get(name, side)
    plain = build(RECIPES[name]).to(device)
    weighted = weight_box_losses(copy.deepcopy(plain))
    data = make_data(side, batch)
    for model in (weighted, plain):
        step(model, data)
    pairs = []
    for turn in range(rounds):
        # The second of a turn finds warmer caches; each side is second as often.
        order = (weighted, plain) if turn % 2 else (plain, weighted)
        times = [_measure(model, data, device) for model in order]
        pairs.append((times[0], times[1]) if turn % 2 else (times[1], times[0]))
    return dict(family=name, side=side, batch=batch, device=device, **summary(pairs))


def _measure(model: nn.Module, data: dict[str, Any], device: str) -> float:
    if torch.device(device).type == 'cuda':
        return seconds(lambda: step(model, data), device)
    start = time.process_time()
    step(model, data)
    return time.process_time() - start


def main(args: list[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    parser = argparse.ArgumentParser(description='Time weighted losses')
    parser.add_argument('--families', nargs='+', choices=RECIPES, default=list(RECIPES))
    parser.add_argument('--side', type=int, default=256, help='of the images, in pixels')
    parser.add_argument('--batch', type=int, default=2)
    parser.add_argument('--rounds', type=int, default=10, help='turns')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--out', type=Path, help='JSON file to write')
    options = parser.parse_args(args)
    info = describe_machine()
    results = []
    for name in options.families:
        results.append(compare(name, options.side, options.batch, options.rounds, options.device))
        print(json.dumps(results[-1]), flush=True)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        content = {'machine': info, 'boxes_per_image': BOXES, 'results': results}
        write_json(options.out, content)
    return 0


if __name__ == '__main__':
    run_cli(main)
