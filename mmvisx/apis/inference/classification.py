"""Classify images."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import DefaultScope
from PIL import Image
from rich.progress import track

from mmvisx.apis.build import build_model
from mmvisx.datasets.transforms.loading import decode_image
from mmvisx.utils.checkpoint import load_weights, read_checkpoint
from mmvisx.utils.config import load_config
from mmvisx.utils.errors import UserError
from mmvisx.visualization.classification import draw_scores

from .detection import _dataset_colours, _innermost, _is, list_images

__all__ = ['ClassificationInferencer']


class ClassificationInferencer:
    """A classifier of a config with the weights of a checkpoint.

    Class names are those of the checkpoint (MMEngine saves them in training), else of the
    config's test data, else numbers.

    Args:
        config: Config file or config.
        checkpoint: Checkpoint file.
        device: 'cpu', 'cuda:0', ...; ``None``: a GPU if there is one.
        allow_partial: Accept a checkpoint that lacks weights of the model.

    Raises:
        UserError: Config or checkpoint is missing or broken, or they do not fit together.
    """

    def __init__(
        self,
        config: str | Path | Config,
        checkpoint: str | Path,
        device: str | None = None,
        allow_partial: bool = False,
    ) -> None:
        cfg = copy.deepcopy(config) if isinstance(config, Config) else load_config(config)
        if cfg.get('default_scope') != 'mmpretrain':
            raise UserError(
                f'default_scope={cfg.get("default_scope")!r} of the config: this is not a '
                'classifier (mmpretrain)'
            )
        weights = read_checkpoint(checkpoint)
        self.model: Any = build_model(cfg)
        load_weights(self.model, weights, checkpoint, 'partial' if allow_partial else 'exact')
        self.device = torch.device(device or ('cuda' if torch.cuda.is_available() else 'cpu'))
        self.model.to(self.device)
        meta = weights.get('meta', {}).get('dataset_meta') or {}
        self.classes = meta.get('classes') or _dataset_colours(cfg)[0]
        self.failed: list[tuple[str, str]] = []
        steps = [dict(step) for step in _innermost(cfg.test_dataloader.dataset).pipeline]
        for step in steps:
            if _is(step, 'LoadImageFromFile'):
                step['type'] = 'mmvisx.LoadImageFromFile'  # which names a broken file
        with DefaultScope.overwrite_default_scope('mmpretrain'):
            self.pipeline = Compose(steps)

    @torch.no_grad()
    def __call__(
        self,
        inputs: str | Path | Sequence[str | Path],
        batch_size: int = 1,
        top_k: int = 5,
        out_dir: str | Path | None = None,
        skip_unreadable: bool = False,
    ) -> dict[str, list[dict[str, Any]]]:
        """Classify.

        Args:
            inputs: Image paths and folders (their images, not those of folders inside).
            batch_size: Images a forward pass.
            top_k: How many classes are kept of each image.
            out_dir: Write ``vis/{image name}.png`` and ``preds/{image name}.json``.
            skip_unreadable: List unreadable files in :attr:`failed` as (path, reason) and go
                on, in place of raising.

        Returns:
            ``predictions``: a dict per readable image with ``img_path`` and, the best first,
            ``labels``, ``label_names`` and ``scores``.

        Raises:
            UserError: An input does not exist, or is not an image; ``batch_size`` or ``top_k``
                is below 1.
        """
        for name, value in (('batch_size', batch_size), ('top_k', top_k)):
            if value < 1:
                raise UserError(f'{name}={value} should be at least 1')
        several = [inputs] if isinstance(inputs, str | Path) else inputs
        paths = [path for item in several for path in list_images(item)]
        self.failed = []
        predictions: list[dict[str, Any]] = []
        for first in track(range(0, len(paths), batch_size), 'images'):
            batch = {}
            for path in paths[first : first + batch_size]:
                try:
                    batch[path] = self.pipeline(dict(img_path=path))
                except UserError as error:
                    if not skip_unreadable:
                        raise
                    self.failed.append((path, str(error)))
            if batch:
                samples = self.model.test_step(pseudo_collate(list(batch.values())))
                predictions += [
                    self._describe(path, sample, top_k)
                    for path, sample in zip(batch, samples, strict=True)
                ]
        if out_dir is not None:
            for prediction in predictions:
                _write(prediction, Path(out_dir))
        return dict(predictions=predictions)

    def _describe(self, path: str, sample: Any, top_k: int) -> dict[str, Any]:
        scores, labels = sample.pred_score.float().cpu().topk(min(top_k, len(sample.pred_score)))
        named = [str(k) if self.classes is None else self.classes[k] for k in labels.tolist()]
        return dict(
            img_path=path, labels=labels.tolist(), label_names=named, scores=scores.tolist()
        )


def _write(prediction: dict[str, Any], folder: Path) -> None:
    path = prediction['img_path']
    image = decode_image(path, 'it was there before', 'color', 'cv2', None)[..., ::-1]
    picture = draw_scores(image, prediction['label_names'], prediction['scores'])
    for name in ('vis', 'preds'):
        (folder / name).mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(folder / 'vis' / f'{Path(path).name}.png')
    text = json.dumps(prediction)
    (folder / 'preds' / f'{Path(path).name}.json').write_text(text, encoding='utf-8')
