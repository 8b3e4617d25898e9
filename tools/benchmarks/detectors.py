"""Compare our DetectoRS with mmdet's: latency, training step, peak memory, outputs.

Both hold the same weights, in one process, and take turns, in each of the given types: float16 by
autocast, bfloat16 by autocast of backbone and neck, as ``--amp`` trains (mmcv's RoIAlign has no
bfloat16 kernel). Where mmdet's cannot run in a type, it runs in float32, and the result says so.

python tools/benchmarks/detectors.py --sizes 512 --out benchmarks/detectors.json
python tools/benchmarks/detectors.py --part detector --dtypes float32 bfloat16 --devices cuda
"""

from __future__ import annotations

import argparse
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmdet.models.detectors import BaseDetector
from mmdet.registry import MODELS
from mmdet.testing import demo_mm_inputs
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from mmvisx.engine.optim import BFloat16OptimWrapper
from mmvisx.surgery import fuse_for_inference
from mmvisx.utils import UserError, run_cli
from mmvisx.utils.files import write_json
from mmvisx.utils.machine import describe_machine
from mmvisx.utils.measure import paired_memory, paired_seconds

CONFIG = Path(__file__).resolve().parents[2] / 'configs' / 'detectors' / 'htc_rfp_sac.py'
OURS_TO_MMDET = {
    'mmvisx.DetectoRSResNet': 'DetectoRS_ResNet',
    'mmvisx.RecursiveFeaturePyramid': 'RFP',
    'mmvisx.ConvAWS2d': 'ConvAWS',
    'mmvisx.SwitchableAtrousConv2d': 'SAC',
}
DTYPES = ('float32', 'bfloat16', 'float16')


class Features(nn.Module):
    """Backbone and neck."""

    def __init__(self, backbone: dict, neck: dict) -> None:
        super().__init__()
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck)

    def init_weights(self) -> None:
        """Draw new weights."""
        self.backbone.init_weights()
        self.neck.init_weights()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map images ``(N, 3, H, W)`` to the pyramid."""
        return self.neck(self.backbone(x))


def build(part: str) -> tuple[nn.Module, nn.Module]:
    """Return ours and mmdet's with the same weights, every path of SAC and RFP live."""
    init_default_scope('mmdet')
    model = Config.fromfile(CONFIG).model
    model.backbone.init_cfg = model.neck.rfp_backbone.init_cfg = None
    if part == 'features':
        ours: nn.Module = Features(model.backbone, model.neck)
    else:
        ours = MODELS.build(model)
    ours.init_weights()  # type: ignore[operator]
    with torch.no_grad():
        for name, parameter in ours.named_parameters():
            if any(part in name for part in ('weight_diff', 'switch', 'context', 'offset', 'rfp_')):
                parameter.add_(torch.randn_like(parameter) * 0.01)
            elif name.endswith('bn3.weight'):
                parameter.fill_(0.2)
    renamed = ConfigDict(_renamed(model.to_dict()))
    if part == 'features':
        reference: nn.Module = Features(renamed['backbone'], renamed['neck'])
    else:
        reference = MODELS.build(renamed)
    reference.load_state_dict(ours.state_dict())
    return ours, reference


def _renamed(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _renamed(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return type(node)(_renamed(value) for value in node)
    return OURS_TO_MMDET.get(node, node) if isinstance(node, str) else node


def feature_runs(model: nn.Module, x: Tensor) -> tuple[Callable, Callable]:
    """Return inference and training step of backbone and neck."""

    def infer() -> tuple[Tensor, ...]:
        with torch.no_grad():
            return model(x)

    def step() -> None:
        sum(out.float().square().mean() for out in model(x)).backward()
        model.zero_grad(set_to_none=True)

    return infer, step


def detector_runs(model: Any, data: dict) -> tuple[Callable, Callable]:
    """Return inference and training step of the whole detector; a step returns its losses."""

    def infer() -> Any:
        with torch.no_grad():
            return model.test_step(copy.deepcopy(data))

    def step() -> dict[str, float]:
        # In autocast's weight cache a second copy of everything would be kept.
        batch = model.data_preprocessor(copy.deepcopy(data), True)
        loss, terms = model.parse_losses(model(**batch, mode='loss'))
        loss.backward()
        model.zero_grad(set_to_none=True)
        return terms

    return infer, step


def mixed(run: Callable, model: nn.Module, dtype: str, device: str) -> Callable:
    """Return ``run``, a call of the model, in float32 or in mixed precision."""

    def call() -> Any:
        if dtype == 'bfloat16' and isinstance(model, BaseDetector):
            wrapper = BFloat16OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.0))
            with wrapper.optim_context(model):
                return run()
        kind = torch.device(device).type
        with torch.autocast(kind, getattr(torch, dtype), enabled=dtype != 'float32'):
            return run()

    return call


def runs_in(step: Callable) -> str | None:
    """Return what an operator without a kernel for the type says, or None if all have one."""
    try:
        step()
    except RuntimeError as error:
        if 'not implemented for' not in str(error):
            raise
        return str(error)
    return None


def compare(
    part: str, size: int, batch: int, dtype: str, device: str, rounds: int
) -> dict[str, Any]:
    """Measure both.

    Returns:
        For inference (ours plain, and fused) and the training step the median seconds of
        each side and the median ratio within a turn; the same for the peak memory of a
        training step in MiB; for the features the largest relative difference of the
        outputs, level by level; for the detector the losses of a step of each. The
        reference's type, and why, where it is not the one asked for.
    """
    torch.manual_seed(0)
    ours, reference = (model.to(device) for model in build(part))
    result: dict[str, Any] = dict(part=part, size=size, batch=batch, dtype=dtype, device=device)
    runs: Callable[..., tuple[Callable, Callable]]
    given: Any
    if part == 'features':
        runs, given = feature_runs, torch.randn(batch, 3, size, size, device=device)
    else:
        shapes = [(3, size, size)] * batch
        given = demo_mm_inputs(
            batch, shapes, num_items=[5] * batch, with_mask=True, with_semantic=True
        )
        runs = detector_runs
    ours_infer, ours_step = (mixed(run, ours, dtype, device) for run in runs(ours, given))
    for model in (ours, reference):
        model.eval()  # the trial, too, must leave the statistics of both alike
    fault = runs_in(mixed(runs(reference, given)[1], reference, dtype, device))
    reference_dtype = dtype if fault is None else 'float32'
    result['reference_dtype'] = reference_dtype
    if fault is not None:
        result['reference_fault'] = fault
        reference.zero_grad(set_to_none=True)
    reference_infer, reference_step = (
        mixed(run, reference, reference_dtype, device) for run in runs(reference, given)
    )
    if part == 'features':
        pairs = zip(ours_infer(), reference_infer(), strict=True)
        differences = [((a.float() - b).norm() / b.float().norm()).item() for a, b in pairs]
        result['largest_relative_difference'] = max(differences)
    result['inference'] = paired_seconds(ours_infer, reference_infer, rounds, device)
    fused = fuse_for_inference(copy.deepcopy(ours))
    fused_infer = mixed(runs(fused, given)[0], fused, dtype, device)
    result['inference_fused'] = paired_seconds(fused_infer, reference_infer, rounds, device)
    del fused, fused_infer
    for model in (ours, reference):
        model.train()
    if part == 'detector':
        result['losses'] = {}
        for side, step in (('ours', ours_step), ('reference', reference_step)):
            torch.manual_seed(0)  # which proposals are sampled
            result['losses'][side] = {k: round(v.item(), 4) for k, v in step().items()}
    result['training_step'] = paired_seconds(ours_step, reference_step, rounds, device)
    result['training_step_peak_mib'] = paired_memory(ours_step, reference_step, device)
    return result


def main(args: list[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--part', choices=['features', 'detector'], default='features')
    parser.add_argument('--sizes', nargs='+', type=int, default=[512], help='image side in pixels')
    parser.add_argument('--batch', type=int, default=1)
    parser.add_argument('--dtypes', nargs='+', choices=DTYPES, default=['float32'])
    parser.add_argument('--devices', nargs='+', default=['cpu'], help='cpu, cuda, cuda:1, ...')
    parser.add_argument('--rounds', type=int, default=5, help='turns that each side takes')
    parser.add_argument('--out', type=Path, help='JSON file to write')
    options = parser.parse_args(args)
    for device in options.devices:
        if device.startswith('cuda') and not torch.cuda.is_available():
            raise UserError(f'--devices {device}: torch sees no GPU here')
    content: dict[str, Any] = {'machine': describe_machine(), 'results': []}
    for device in options.devices:
        for dtype in options.dtypes:
            for size in options.sizes:
                result = compare(options.part, size, options.batch, dtype, device, options.rounds)
                content['results'].append(result)
                print(json.dumps(result, indent=2), flush=True)
                if options.out:
                    options.out.parent.mkdir(parents=True, exist_ok=True)
                    write_json(options.out, content)
    return 0


if __name__ == '__main__':
    run_cli(main)
