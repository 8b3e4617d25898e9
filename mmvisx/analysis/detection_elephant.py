"""Slide a patch over an image and run a detector at each step (000, 5.3.1, Figure 5.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmvisx.registry import ANALYSES
from mmvisx.utils.errors import UserError
from mmvisx.visualization.detection_elephant import (
    draw_steps,
    plot_scores,
    strip,
    with_legend,
    write_video,
)

from .detection_elephant_patch import Position, pack_mask, scenes
from .detection_elephant_report import (
    DEFAULTS,
    KEEP_SCORE,
    Detection,
    compare_steps,
    elephant_report,
)

__all__ = ['DetectionElephant']


@ANALYSES.register_module()
class DetectionElephant:
    """What an object out of place does to the detections of the others.

    Args:
        score_thr: Lowest score of an object and of a detection of it.
        iou_thr: Lowest overlap of the two.
        max_covered: The part of an object's box that the patch may cover while it counts.

    Raises:
        UserError: A setting is out of range.

    Source: 000, 5.3.1, Figure 5.4.
    """

    def __init__(
        self,
        score_thr: float = DEFAULTS['score_thr'],
        iou_thr: float = DEFAULTS['iou_thr'],
        max_covered: float = DEFAULTS['max_covered'],
    ) -> None:
        self.settings = dict(score_thr=score_thr, iou_thr=iou_thr, max_covered=max_covered)
        for name, lowest in (('score_thr', KEEP_SCORE), ('iou_thr', 0.01), ('max_covered', 0.0)):
            if not lowest <= self.settings[name] <= 1:
                raise UserError(f'{name}={self.settings[name]} should be in [{lowest}, 1]')

    def measure(
        self,
        detect: Callable[[np.ndarray], Sequence[Detection]],
        image: np.ndarray,
        pixels: np.ndarray,
        mask: np.ndarray,
        positions: Sequence[Position],
        names: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """Detect in the image and at each step, and report.

        Args:
            detect: The detector: an image to its detections.
            image: ``(H, W, 3)`` uint8 BGR.
            pixels: Of the patch, ``(h, w, 3)`` uint8 BGR.
            mask: Of the patch, ``(h, w)`` bool.
            positions: Of the patch's top left corner.
            names: Files of the image, the patch and the model, to be noted in the record.

        Returns:
            A record that JSON holds: ``image``, ``patch``, ``settings``, ``names``,
            ``reference`` (detections of the unchanged image), ``steps`` (``position`` and
            ``detections``) and ``report``
            (:func:`~mmvisx.analysis.detection_elephant_report.elephant_report`).

        Raises:
            UserError: Nothing is detected in the unchanged image.
        """
        predictions = [_kept(detect(image))]
        score_thr = self.settings['score_thr']
        if not any(d['score'] >= score_thr for d in predictions[0]):
            raise UserError(
                f'the detector finds nothing with a score of {score_thr} or more in the '
                'unchanged image, so there is nothing to compare: take another image or a lower '
                'score_thr'
            )
        predictions += [_kept(detect(scene)) for scene in scenes(image, pixels, mask, positions)]
        record: dict[str, Any] = {
            'names': names or {},
            'image': {'height': image.shape[0], 'width': image.shape[1]},
            'patch': {'mask': pack_mask(mask)},
            'settings': dict(self.settings),
            'reference': predictions[0],
            'steps': [
                {'position': list(position), 'detections': found}
                for position, found in zip(positions, predictions[1:], strict=True)
            ],
        }
        record['report'] = elephant_report(record)
        return record

    def draw(
        self, record: dict[str, Any], images: Iterable[np.ndarray], out_dir: str | Path
    ) -> list[Path]:
        """Write ``strip.png``, ``video.mp4`` and ``scores.png`` of a record.

        Args:
            record: What :meth:`measure` returned.
            images: ``(H, W, 3)`` uint8 BGR, one per step
                (:func:`~mmvisx.analysis.detection_elephant_patch.scenes`).
            out_dir: Folder that is there.
        """
        out = Path(out_dir)
        states = compare_steps(record)
        pictures = draw_steps(record, states, images)
        cv2.imwrite(str(out / 'strip.png'), with_legend(strip(pictures)))
        video = write_video(pictures, out / 'video.mp4')
        return [out / 'strip.png', video, plot_scores(record, states, out / 'scores.png')]


def _kept(found: Sequence[Detection]) -> list[Detection]:
    return [detection for detection in found if detection['score'] >= KEEP_SCORE]
