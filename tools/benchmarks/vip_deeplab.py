"""What the metric and the grouping of ViP-DeepLab cost.

Frames are random. Sides of a ratio are in one process and take turns, and their processor time is
compared, so one thread is best. A part that is measured again replaces its entry, others stay:
OMP_NUM_THREADS=1 python tools/benchmarks/vip_deeplab.py \
    --out benchmarks/vip_deeplab.json --only metric
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmvisx.evaluation.panoptic.vip_deeplab_counts import count_segments, depth_errors, within
from mmvisx.evaluation.panoptic.vip_deeplab_quality import (
    SegmentKinds,
    clip_statistics,
    window_statistics,
)
from mmvisx.ops.vip_deeplab_grouping import nearest_centres
from mmvisx.utils import run_cli
from mmvisx.utils.files import write_json
from mmvisx.utils.machine import describe_machine
from mmvisx.utils.measure import paired_memory, paired_seconds

SIZES, LAMBDAS = (1, 2, 3, 4), (0.1, 0.25, 0.5)
KINDS = SegmentKinds(np.arange(19) >= 11)


def random_clip(frames: int, height: int, width: int) -> tuple[np.ndarray, ...]:
    """Return codes and depth, true and predicted, ``(T, H, W)`` each, as a network makes them.

    Six classes of stuff in rows, 20 things that move, edges that are off by some pixels.
    """
    rng = np.random.default_rng(0)
    true = np.empty((frames, height, width), np.int64)
    true[:] = (np.arange(height) * 6 // height)[:, None]
    predicted = true.copy()
    for number in range(1, 21):
        h, w = height // 8, width // 16
        top, left = int(rng.integers(height - h)), int(rng.integers(width - w - 8 * frames))
        for t in range(frames):
            for codes, off in ((true, 0), (predicted, int(rng.integers(-3, 4)))):
                x = max(0, left + 8 * t + off)
                codes[t, top : top + h, x : x + w] = 11 + number % 8 + 1000 * number
    depth = np.broadcast_to(np.linspace(80, 3, height)[:, None], true.shape).astype(np.float32)
    guess = (depth * rng.normal(1, 0.15, true.shape)).astype(np.float32)
    return true, predicted, depth * (rng.random(true.shape) < 0.7), guess


def metric(args: argparse.Namespace) -> dict[str, Any]:
    """Time all 12 DVPQ and 4 VPQ values of a clip against the formulation window by window.

    That puts the frames of each window side by side, takes the pixels with a wrong depth out of
    the prediction and counts, for each k and lambda; the rule that counts are scored by is one.
    """
    clip = random_clip(args.frames, args.height, args.width)
    found: dict[str, np.ndarray] = {}

    def ours() -> None:
        frames = []
        for true, predicted, depth, guess in zip(*clip, strict=True):
            errors = depth_errors(guess, depth)
            near = [within(errors, value) for value in LAMBDAS]
            frames.append(count_segments(true, predicted, near))
        found['ours'] = clip_statistics(frames, SIZES, KINDS)

    def reference() -> None:
        cells = [
            sum(
                window_statistics(_side_by_side(clip, start, size, value), KINDS)
                for start in range(args.frames - size + 1)
            )
            for size in SIZES
            for value in (*LAMBDAS, np.inf)
        ]
        found['reference'] = np.reshape(np.stack(cells), found['ours'].shape)

    ours()
    result = paired_seconds(ours, reference, args.rounds, warm_up=0, clock=time.process_time)
    error = float(np.abs(found['ours'] - found['reference']).max())
    return dict(frames=f'{args.frames} of {args.height}x{args.width}', error=error, seconds=result)


def _side_by_side(clip: tuple[np.ndarray, ...], start: int, size: int, value: float) -> Any:
    true, predicted, depth, guess = (
        np.concatenate(part[start : start + size], axis=1) for part in clip
    )
    if value < np.inf:
        predicted = np.where(within(depth_errors(guess, depth), value), predicted, 255)
    return count_segments(true, predicted)


def grouping(args: argparse.Namespace) -> dict[str, Any]:
    """Compare peak memory of grouping a pair of frames with that of the matrix of distances.

    The result is compared with the whole matrix at a sixteenth of the pixels.
    """
    generator = torch.manual_seed(0)
    shape = args.height, 2 * args.width
    points = torch.rand(2, shape[0] * shape[1], generator=generator)
    points *= torch.tensor(shape)[:, None]
    centres = (torch.rand(args.centres, 2, generator=generator) * torch.tensor(shape)).long()
    few = points[:, ::16]
    matrix = _distances(few, centres)
    index, distance = nearest_centres(few, centres)
    equal = index.equal(matrix.argmin(dim=0)) and distance.equal(matrix.min(dim=0).values)
    del matrix

    def whole() -> None:  # what the matrix alone needs
        torch.empty(args.centres, points.shape[1]).fill_(1)

    return dict(
        centres=args.centres,
        pixels=f'{shape[0]}x{shape[1]}',
        equal=equal,
        seconds=paired_seconds(
            lambda: nearest_centres(few, centres),
            lambda: _distances(few, centres).argmin(dim=0),
            args.rounds,
            clock=time.process_time,
        ),
        MiB=paired_memory(lambda: nearest_centres(points, centres), whole),
    )


def _distances(points: Tensor, centres: Tensor) -> Tensor:
    y, x = centres.to(points).T[..., None]
    return (points[0] - y).square_().add_((points[1] - x).square_())


PARTS = {'metric': metric, 'grouping': grouping}


def main(argv: list[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', required=True, help='JSON file')
    parser.add_argument('--only', nargs='+', default=list(PARTS), choices=list(PARTS))
    parser.add_argument('--height', type=int, default=1025, help='pixels of a frame')
    parser.add_argument('--width', type=int, default=2049)
    parser.add_argument('--frames', type=int, default=6, help='of the clip')
    parser.add_argument('--centres', type=int, default=200)
    parser.add_argument('--rounds', type=int, default=2)
    args = parser.parse_args(argv)
    out = Path(args.out)
    result = json.loads(out.read_text())['result'] if out.is_file() else {}
    for name in args.only:
        result[name] = dict(machine=describe_machine(), **PARTS[name](args))
        write_json(out, dict(unit='seconds of processor time', result=result))
        print(json.dumps(result[name], indent=2))


if __name__ == '__main__':
    run_cli(main)
