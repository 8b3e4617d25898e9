"""Compare SUNet-64 with mmseg's FCN on ResNet-101: parameters, and a training step.

Time and peak memory, both sides in one process and in turns, 21 classes.

python tools/benchmarks/stacked_unet.py --out benchmarks/stacked_unet.json
python tools/benchmarks/stacked_unet.py --size 512 --batch 10 --device cuda
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn
from torch.optim import SGD

from mmvisx.utils import UserError, run_cli
from mmvisx.utils.files import write_json
from mmvisx.utils.machine import describe_machine
from mmvisx.utils.measure import paired_memory, paired_seconds, peak_memory, summary

CLASSES = 21
NORM = dict(type='BN', requires_grad=True)
LOSS = dict(type='CrossEntropyLoss', avg_non_ignore=True)

OURS: dict[str, Any] = dict(
    type='EncoderDecoder',
    backbone=dict(type='mmvisx.StackedUNet', arch='sunet64', output_stride=16),
    decode_head=dict(
        type='mmvisx.DeGriddingHead',
        in_channels=1024,
        in_index=0,
        num_classes=CLASSES,
        loss_decode=LOSS,
    ),
    test_cfg=dict(mode='whole'),
)


def reference(auxiliary: bool = True) -> dict[str, Any]:
    """Return mmseg's fcn_r101-d8: output stride 8 and, in training, a second head."""
    head = dict(
        type='FCNHead', dropout_ratio=0.1, num_classes=CLASSES, norm_cfg=NORM, loss_decode=LOSS
    )
    model = dict(
        type='EncoderDecoder',
        backbone=dict(
            type='ResNetV1c',
            depth=101,
            num_stages=4,
            out_indices=(0, 1, 2, 3),
            dilations=(1, 1, 2, 4),
            strides=(1, 2, 1, 1),
            norm_cfg=NORM,
            contract_dilation=True,
        ),
        decode_head=dict(
            head, in_channels=2048, in_index=3, channels=512, num_convs=2, concat_input=True
        ),
        test_cfg=dict(mode='whole'),
    )
    if auxiliary:
        loss = dict(LOSS, loss_weight=0.4)
        model['auxiliary_head'] = dict(
            head,
            in_channels=1024,
            in_index=2,
            channels=256,
            num_convs=1,
            concat_input=False,
            loss_decode=loss,
        )
    return model


def build(model: Mapping[str, Any]) -> nn.Module:
    """Build a segmentor of mmseg or of this package."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        built: nn.Module = MODELS.build(ConfigDict(model))
    return built


def count(module: nn.Module) -> int:
    """Return the number of parameters."""
    return sum(p.numel() for p in module.parameters())


def parameters(
    ours: Mapping[str, Any] = OURS, other: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Count both segmentors, and both backbones, without memory for them."""
    with torch.device('meta'):
        pair = [build(ours), build(other or reference(auxiliary=False))]
    whole = [count(model) for model in pair]
    backbones = [count(model.get_submodule('backbone')) for model in pair]
    return {
        name: dict(ours=a, reference=b, reference_to_ours=round(b / a, 2))
        for name, (a, b) in (('segmentor', whole), ('backbone', backbones))
    }


class Training:
    """A segmentor with its optimizer, as the document trains."""

    def __init__(self, model: Mapping[str, Any], device: str) -> None:
        self.model = build(model).to(device).train()
        self.optimizer = SGD(self.model.parameters(), lr=2e-3, momentum=0.9, weight_decay=5e-4)

    def step(self, images: Tensor, samples: list[SegDataSample]) -> None:
        """Train on a batch; the gradients do not stay."""
        losses = self.model(images, samples, mode='loss')
        total = torch.stack([v for k, v in losses.items() if 'loss' in k]).sum()
        total.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


def batch_of(count: int, size: int, device: str) -> tuple[Tensor, list[SegDataSample]]:
    """Draw images and label maps."""
    labels = torch.randint(0, CLASSES, (count, 1, size, size), device=device)
    samples = [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in labels]
    return torch.randn(count, 3, size, size, device=device), samples


def compare(
    batch: int,
    size: int,
    rounds: int,
    device: str,
    ours: Mapping[str, Any] = OURS,
    other: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Measure both sides.

    Returns:
        Seconds of a training step; peak memory in MiB of a step on top of weights and momentum
        (``training_step_peak_mib``) and of all that training allocates
        (``training_peak_mib``), each with the median of the ratios.
    """
    images, samples = batch_of(batch, size, device)

    def train(model: Mapping[str, Any]) -> Training:
        training = Training(model, device)
        for _ in range(2):
            training.step(images, samples)
        return training

    sides = [ours, other or reference()]
    whole = [peak_memory(partial(train, model), device) for model in sides]
    steps = [partial(train(model).step, images, samples) for model in sides]
    return dict(
        batch=batch,
        size=size,
        device=device,
        training_peak_mib=summary([(whole[0], whole[1])]),
        training_step_peak_mib=paired_memory(steps[0], steps[1], device),
        training_step_seconds=paired_seconds(steps[0], steps[1], rounds, device, warm_up=0),
    )


def main(args: list[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--batch', type=int, default=2, help='images in a batch')
    parser.add_argument('--size', type=int, default=256, help='side of an image in pixels')
    parser.add_argument('--rounds', type=int, default=5, help='turns that each side takes')
    parser.add_argument('--device', default='cpu', help='cpu, cuda, cuda:1, ...')
    parser.add_argument('--out', type=Path, help='JSON file to write')
    options = parser.parse_args(args)
    for name in ('batch', 'size', 'rounds'):
        if getattr(options, name) < 1:
            raise UserError(f'--{name} {getattr(options, name)} should be at least 1')
    if options.device.startswith('cuda') and not torch.cuda.is_available():
        raise UserError(f'--device {options.device}: torch sees no GPU here')
    torch.manual_seed(0)
    content = dict(machine=describe_machine(), parameters=parameters())
    content['results'] = compare(options.batch, options.size, options.rounds, options.device)
    print(json.dumps(content, indent=2), flush=True)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        write_json(options.out, content)
    return 0


if __name__ == '__main__':
    run_cli(main)
