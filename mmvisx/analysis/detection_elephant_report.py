"""What an object out of place does to the detections of the others (000, 5.3.1, Figure 5.4).

"The elephant in the room": a patch with an object slides over an image, a detector runs at
each step, and the detections of the objects that the patch does not cover are compared with
those of the unchanged image. The chapter shows pictures; here they are counted. A record holds
all detections, so that :func:`elephant_report` gives the same numbers from the file alone.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision.ops import box_iou

from mmvisx.utils.errors import UserError

from .detection_elephant_patch import patch_canvas

__all__ = ['DEFAULTS', 'KEEP_SCORE', 'compare_step', 'elephant_report', 'read_record']

# Lowest score of an object and of a detection of it, lowest overlap of the two, and the part of
# an object's box that the patch may cover while the object counts.
DEFAULTS = {'score_thr': 0.3, 'iou_thr': 0.5, 'max_covered': 0.2}
# Detections below are not stored.
KEEP_SCORE = 0.05

Detection = dict[str, Any]  # label (name), score, box (x1, y1, x2, y2 in pixels)


def _overlaps(first: Sequence[Sequence[float]], second: Sequence[Sequence[float]]) -> np.ndarray:
    """Return the overlaps (IoU) of boxes, ``(N, M)``."""
    boxes = [torch.tensor(b, dtype=torch.float64).reshape(-1, 4) for b in (first, second)]
    return box_iou(*boxes).numpy()


def covered_part(box: Sequence[float], canvas: np.ndarray) -> float:
    """Return the part of a box's pixels inside the image that the patch covers, in [0, 1].

    Args:
        box: Left, top, right and bottom.
        canvas: Where the patch is, ``(H, W)``.
    """
    x1, y1, x2, y2 = box
    part = canvas[
        max(0, math.floor(y1)) : max(0, math.ceil(y2)),
        max(0, math.floor(x1)) : max(0, math.ceil(x2)),
    ]
    return float(part.mean()) if part.size else 0.0


def _match(overlaps: np.ndarray, allowed: np.ndarray, threshold: float) -> dict[int, int]:
    """Pair rows with columns one to one, the largest overlaps first."""
    pairs = {}
    overlaps = np.where(allowed, overlaps, -1.0)
    while overlaps.size and overlaps.max() >= threshold:
        row, column = (int(i) for i in np.unravel_index(overlaps.argmax(), overlaps.shape))
        pairs[row] = column
        overlaps[row] = -1
        overlaps[:, column] = -1
    return pairs


def compare_step(
    objects: Sequence[Detection],
    detections: Sequence[Detection],
    canvas: np.ndarray,
    score_thr: float,
    iou_thr: float,
    max_covered: float,
) -> dict[str, Any]:
    """Compare the detections of one step with the objects of the unchanged image.

    An object is ``hidden`` where the patch covers more than ``max_covered`` of its box. Else
    it is ``kept`` if a detection of its class overlaps it by ``iou_thr`` at a score of at
    least ``score_thr``, ``flipped`` if only one of another class does, and ``lost``
    otherwise. A detection belongs to one object at most.

    Args:
        canvas: Where the patch is, bool ``(H, W)``.

    Returns:
        ``objects``: per object ``state``, ``covered``, ``score`` (the highest of its class
        there, 0 if none is stored) and ``label`` (what is seen, or None). ``patch``: the
        detection with the highest score that overlaps the patch, or None. ``appeared``: the
        other detections.
    """
    seen = [d for d in detections if d['score'] >= score_thr]
    boxes = [o['box'] for o in objects]
    overlaps = _overlaps(boxes, [d['box'] for d in seen])
    same = np.array([[o['label'] == d['label'] for d in seen] for o in objects], bool)
    same = same.reshape(overlaps.shape)
    own = _match(overlaps, same, iou_thr)

    ys, xs = np.nonzero(canvas)
    patch_found = []
    if len(ys):
        patch_box = [float(v) for v in (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)]
        on_patch = _overlaps([patch_box], [d['box'] for d in seen])[0] >= iou_thr
        patch_found = [i for i in np.nonzero(on_patch)[0].tolist() if i not in own.values()]

    free = ~same
    free[list(own)] = False
    free[:, [*own.values(), *patch_found]] = False
    flips = _match(overlaps, free, iou_thr)

    everywhere = _overlaps(boxes, [d['box'] for d in detections])
    states = []
    for index, item in enumerate(objects):
        covered = covered_part(item['box'], canvas)
        state, label = 'lost', None
        if index in own:
            state, label = 'kept', item['label']
        elif index in flips:
            state, label = 'flipped', seen[flips[index]]['label']
        rivals = [
            d['score']
            for d, overlap in zip(detections, everywhere[index], strict=True)
            if d['label'] == item['label'] and overlap >= iou_thr
        ]
        score = seen[own[index]]['score'] if index in own else max(rivals, default=0.0)
        states.append(
            {
                'state': 'hidden' if covered > max_covered else state,
                'covered': covered,
                'score': score,
                'label': label,
            }
        )
    used = {*own.values(), *flips.values(), *patch_found}
    best = max(patch_found, key=lambda i: seen[i]['score'], default=None)
    return {
        'objects': states,
        'patch': None if best is None else seen[best],
        'appeared': [d for i, d in enumerate(seen) if i not in used],
    }


def compare_steps(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return :func:`compare_step` of every step of a record."""
    shape = (record['image']['height'], record['image']['width'])
    settings = record['settings']
    objects = [d for d in record['reference'] if d['score'] >= settings['score_thr']]
    return [
        compare_step(
            objects,
            step['detections'],
            patch_canvas(record['patch'], step['position'], shape),
            **settings,
        )
        for step in record['steps']
    ]


def elephant_report(record: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of a record; they follow from its detections and settings alone.

    An *object-step* is an object at a step at which the patch does not hide it.

    Returns:
        ``objects``: per object of the unchanged image its label, score and box, the counts
        ``visible``, ``kept``, ``flipped`` and ``lost`` of steps, ``flipped_to``, and
        ``mean_drop`` and ``max_drop`` of its score over the visible steps (None without
        any). ``total``: ``objects``, ``steps``, ``object_steps``, the parts ``kept``,
        ``flipped`` and ``lost`` of these in [0, 1], ``mean_drop``, ``max_drop``, and
        ``appeared_per_step``: detections that neither an object nor the patch explains.
        ``patch``: the part of the steps at which the patch itself is detected, and as what.
    """
    steps = compare_steps(record)
    objects = [d for d in record['reference'] if d['score'] >= record['settings']['score_thr']]
    rows = []
    drops: list[float] = []
    for index, item in enumerate(objects):
        states = [step['objects'][index] for step in steps]
        visible = [state for state in states if state['state'] != 'hidden']
        counts = Counter(state['state'] for state in visible)
        falls = [item['score'] - state['score'] for state in visible]
        drops += falls
        flipped = Counter(s['label'] for s in visible if s['state'] == 'flipped')
        rows.append(
            {
                **item,
                'visible': len(visible),
                **{name: counts[name] for name in ('kept', 'flipped', 'lost')},
                'flipped_to': dict(flipped),
                'mean_drop': _mean(falls),
                'max_drop': max(falls, default=None),
            }
        )
    count = sum(row['visible'] for row in rows)
    labels = Counter(step['patch']['label'] for step in steps if step['patch'])
    return {
        'objects': rows,
        'total': {
            'objects': len(objects),
            'steps': len(steps),
            'object_steps': count,
            **{
                name: sum(row[name] for row in rows) / count if count else None
                for name in ('kept', 'flipped', 'lost')
            },
            'mean_drop': _mean(drops),
            'max_drop': max(drops, default=None),
            'appeared_per_step': _mean([float(len(step['appeared'])) for step in steps]),
        },
        'patch': {
            'detected': _mean([float(step['patch'] is not None) for step in steps]),
            'labels': dict(labels),
        },
    }


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def read_record(path: str | Path) -> dict[str, Any]:
    """Read a record that :meth:`mmvisx.analysis.detection_elephant.DetectionElephant.measure` made.

    Raises:
        UserError: The file is missing, is no JSON, or lacks a part.
    """
    try:
        record = json.loads(Path(path).read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f'record {path} cannot be read: {error}') from error
    needed = ('settings', 'image', 'patch', 'reference', 'steps')
    absent = [key for key in needed if not isinstance(record, dict) or key not in record]
    if absent:
        raise UserError(
            f'{path} is no record of the elephant test: no {", ".join(absent)}; give the JSON '
            'that tools/analysis/elephant.py run writes'
        )
    return record
