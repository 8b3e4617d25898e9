"""Pictures of the elephant test (000, Figure 5.4): strip, video and curves of the scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmvisx.utils.errors import UserError

from .figure import line_style, new_figure, save_figure

__all__ = ['draw_steps', 'plot_scores', 'strip', 'with_legend', 'write_video']

# BGR.
_COLOURS = {
    'kept': (80, 200, 80),
    'flipped': (0, 150, 255),
    'lost': (40, 40, 230),
    'hidden': (170, 170, 170),
    'patch': (230, 140, 60),
    'appeared': (220, 60, 220),
}
_LEGEND = {
    'kept': 'still detected',
    'flipped': 'detected as another class',
    'lost': 'no longer detected',
    'hidden': 'hidden by the patch',
    'patch': 'the patch, if detected',
    'appeared': 'new detection',
}


def _rectangle(canvas: np.ndarray, box: Sequence[float], text: str, state: str) -> None:
    colour, size = _COLOURS[state], max(canvas.shape[:2])
    line = max(1, size // 300)
    x1, y1, x2, y2 = (round(v) for v in box)
    cv2.rectangle(canvas, (x1, y1), (x2, y2), colour, line)
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, max(0.35, size / 1400)
    (width, height), _ = cv2.getTextSize(text, font, scale, 1)
    x1 = max(0, min(x1, canvas.shape[1] - width))
    y1 = max(y1, height + 4)
    cv2.rectangle(canvas, (x1, y1 - height - 4), (x1 + width, y1), colour, -1)
    cv2.putText(canvas, text, (x1, y1 - 3), font, scale, (255, 255, 255), 1, cv2.LINE_AA)


def draw_steps(
    record: dict[str, Any], steps: Sequence[dict[str, Any]], images: Iterable[np.ndarray]
) -> list[np.ndarray]:
    """Draw what became of each object into the picture of each step.

    Green: still detected; orange: as another class; red: lost, with the box from the
    unchanged image; grey: hidden by the patch; blue: the patch itself; violet: detections that
    were not there before.

    Args:
        record: Of an elephant test; its ``reference`` and ``settings`` are read.
        steps: What became of its objects: ``compare_steps(record)``.
        images: ``(H, W, 3)`` uint8 BGR, one per step.
    """
    objects = [d for d in record['reference'] if d['score'] >= record['settings']['score_thr']]
    pictures = []
    for image, step in zip(images, steps, strict=True):
        picture = image.copy()
        for item, state in zip(objects, step['objects'], strict=True):
            text = f'{item["label"]} {state["score"]:.2f}'
            if state['state'] == 'flipped':
                text = f'{item["label"]} > {state["label"]}'
            elif state['state'] == 'lost':
                text = f'{item["label"]} lost'
            _rectangle(picture, item['box'], text, state['state'])
        if step['patch']:
            _named(picture, step['patch'], 'patch')
        for found in step['appeared']:
            _named(picture, found, 'appeared')
        pictures.append(picture)
    return pictures


def _named(picture: np.ndarray, found: dict[str, Any], state: str) -> None:
    _rectangle(picture, found['box'], f'{found["label"]} {found["score"]:.2f}', state)


def strip(pictures: Sequence[np.ndarray], count: int = 6, height: int = 240) -> np.ndarray:
    """Put evenly spread pictures, the first and the last among them, into one row.

    Args:
        pictures: ``(H, W, 3)`` of one size.
        count: Of pictures in the row.
        height: Of the row, in pixels.
    """
    chosen = np.unique(np.linspace(0, len(pictures) - 1, min(count, len(pictures))).round())
    size = (max(1, round(pictures[0].shape[1] * height / pictures[0].shape[0])), height)
    small = [cv2.resize(pictures[int(i)], size, interpolation=cv2.INTER_AREA) for i in chosen]
    gap = np.full((height, 4, 3), 255, np.uint8)
    row = [part for picture in small for part in (picture, gap)]
    return np.concatenate(row[:-1], axis=1)


def with_legend(picture: np.ndarray) -> np.ndarray:
    """Say below a picture, BGR ``(H, W, 3)``, what the colours mean, in as many rows as needed.

    A picture that is narrower than an entry gets wider.
    """
    font, scale, row, gap = cv2.FONT_HERSHEY_SIMPLEX, 0.45, 22, 18
    entries = [
        (_COLOURS[state], text, row + cv2.getTextSize(text, font, scale, 1)[0][0] + gap)
        for state, text in _LEGEND.items()
    ]
    width = max(picture.shape[1], max(size for *_, size in entries))
    places: list[tuple[int, int]] = []
    left = top = 0
    for *_, size in entries:
        if left + size > width:
            left, top = 0, top + row
        places.append((left, top))
        left += size
    band = np.full((top + row + 6, width, 3), 255, np.uint8)
    for (colour, text, _), (x, y) in zip(entries, places, strict=True):
        cv2.rectangle(band, (x + 4, y + 7), (x + row - 4, y + row - 1), colour, -1)
        cv2.putText(band, text, (x + row, y + row - 3), font, scale, (0, 0, 0), 1, cv2.LINE_AA)
    wider = ((0, 0), (0, width - picture.shape[1]), (0, 0))
    return np.concatenate([np.pad(picture, wider, constant_values=255), band])


def write_video(pictures: Sequence[np.ndarray], path: str | Path, rate: float = 4) -> Path:
    """Write pictures as an MP4 video.

    Args:
        pictures: ``(H, W, 3)`` uint8 BGR of one size.
        rate: Pictures a second.

    Raises:
        UserError: OpenCV cannot write there.
    """
    height, width = pictures[0].shape[:2]
    size = (width + width % 2, height + height % 2)  # the codec wants even numbers
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*'mp4v'), rate, size)
    if not writer.isOpened():
        raise UserError(f'video {target} cannot be written: take a name that ends in .mp4')
    try:
        for picture in pictures:
            writer.write(cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, 0))
    finally:
        writer.release()
    return target


def plot_scores(record: dict[str, Any], steps: Sequence[dict[str, Any]], path: str | Path) -> Path:
    """Draw each object's score over the steps; dotted where the patch hides it.

    Args:
        record: As of :func:`draw_steps`.
        steps: As of :func:`draw_steps`.
        path: The picture to write; the suffix gives the format.
    """
    figure, (axis,) = new_figure(1, width=8)
    threshold = record['settings']['score_thr']
    objects = [d for d in record['reference'] if d['score'] >= threshold]
    for index, item in enumerate(objects):
        states = [step['objects'][index] for step in steps]
        scores = np.array([state['score'] for state in states])
        hidden = np.array([state['state'] == 'hidden' for state in states])
        style = line_style(index)
        (line,) = axis.plot(np.where(hidden, np.nan, scores), label=item['label'], **style)
        axis.plot(scores, ':', color=line.get_color(), linewidth=0.8)
        axis.axhline(item['score'], color=line.get_color(), linewidth=0.4, alpha=0.6)
    black = dict(color='black')
    axis.plot([], ':', linewidth=0.8, label='hidden by the patch', **black)
    axis.plot([], linewidth=0.4, label='without the patch', **black)
    axis.axhline(threshold, color='grey', linestyle='--', linewidth=0.8, label='threshold')
    axis.set(xlabel='step', ylabel='score of the object', ylim=(-0.02, 1.02))
    axis.legend(fontsize=7, loc='center left', bbox_to_anchor=(1, 0.5))
    return save_figure(figure, path)
