"""Pictures of what a classifier predicts in a test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.structures import DataSample
from PIL import Image

from mmvisx.registry import HOOKS
from mmvisx.visualization.classification import draw_scores

__all__ = ['ClassificationPicturesHook']


@HOOKS.register_module()
class ClassificationPicturesHook(Hook):
    """Write a picture of every test image with its best classes beside it.

    mmpretrain's own hook writes over the image, which covers a small one, and gives images of
    the same name in two class folders one file.

    Args:
        out_dir: Folder; gets ``{folder of the image}_{name of the image}.png``.
        top_k: How many classes are listed.
    """

    def __init__(self, out_dir: str | Path, top_k: int = 5) -> None:
        self.out_dir = Path(out_dir)
        self.top_k = top_k

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[DataSample] | None = None,
    ) -> None:
        """Draw the images of a batch, as the network is given them."""
        classes = getattr(runner.test_dataloader.dataset, 'metainfo', {}).get('classes')
        self.out_dir.mkdir(parents=True, exist_ok=True)
        for number, (pixels, sample) in enumerate(
            zip(data_batch['inputs'], outputs or (), strict=True)
        ):
            scores, labels = (
                sample.pred_score.float().cpu().topk(min(self.top_k, len(sample.pred_score)))
            )
            names = [_name(classes, label) for label in labels.tolist()]
            truth = _name(classes, int(sample.gt_label[0])) if 'gt_label' in sample else None
            image = pixels.permute(1, 2, 0).clamp(0, 255).byte().cpu().numpy()[..., ::-1]
            picture = draw_scores(image, names, scores.tolist(), truth)
            path = Path(sample.get('img_path') or f'batch{batch_idx}/{number}')
            Image.fromarray(picture).save(self.out_dir / f'{path.parent.name}_{path.stem}.png')


def _name(classes: Sequence[str] | None, label: int) -> str:
    return str(label) if classes is None else classes[label]
