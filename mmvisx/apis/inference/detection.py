"""Predict on images: paths, folders, arrays or lists of them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.apis.det_inferencer import IMG_EXTENSIONS, DetInferencer
from mmdet.registry import DATASETS, MODELS, TRANSFORMS
from mmdet.structures import DetDataSample
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose
from mmengine.visualization import Visualizer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import nn

from mmvisx.surgery import fuse_after_first_step
from mmvisx.utils.checkpoint import load_weights, read_checkpoint
from mmvisx.utils.config import load_config
from mmvisx.utils.config.explain import explain_config_errors
from mmvisx.utils.config.model import model_config
from mmvisx.utils.errors import UserError
from mmvisx.utils.text import similar

Image = str | Path | np.ndarray


class Inferencer(DetInferencer):
    """mmdet's inferencer with checks of what it is given.

    Args:
        model: config file or config; None takes the config out of the checkpoint.
        weights: checkpoint file; needed, its default only follows from the base class's order.
        device: ``'cpu'``, ``'cuda:0'``, ...; None takes a GPU if there is one.
        palette: colours by the name of a data set; by default those of the config.
        show_progress: show a bar with the time left.
        allow_partial: accept a checkpoint that lacks weights of the model.
        fuse: fold what inference does not need apart, as the first batch shows it
            (:func:`~mmvisx.surgery.fuse_for_inference`): faster, equal up to rounding. Off
            if you want to read or train the model's own layers.

    Raises:
        UserError: config or checkpoint is missing, broken, or they do not fit together.
    """

    def __init__(
        self,
        model: str | Path | Config | None = None,
        weights: str | Path | None = None,
        device: str | None = None,
        palette: str = 'none',
        show_progress: bool = True,
        allow_partial: bool = False,
        fuse: bool = True,
    ) -> None:
        if weights is None:
            raise UserError(
                'Inferencer: weights=None would leave the model as random as it is built; give a '
                'checkpoint, and its config (model) unless the checkpoint holds it'
            )
        self.allow_partial = allow_partial
        self.fuse = fuse
        self.failed: list[tuple[str, str]] = []
        cfg = load_config(model) if isinstance(model, str | Path) else copy.deepcopy(model)
        checkpoint = read_checkpoint(weights)
        self._checkpoint: dict | None = checkpoint
        self._source = str(weights)
        if cfg is None:
            cfg = _config_of(checkpoint, self._source)
        self._classes, self._palette = _dataset_colours(cfg)
        with explain_config_errors(cfg):
            super().__init__(cfg, None, device, cfg.get('default_scope', 'mmdet'), palette)
        self.show_progress = show_progress
        self._checkpoint = None

    def _init_model(self, cfg: Any, weights: str | None, device: str = 'cpu') -> nn.Module:
        # The base class reads the file itself, without the checks; it is read already.
        model = MODELS.build(model_config(cfg))
        model.cfg = cfg
        self._load_weights_to_model(model, self._checkpoint, cfg)
        model = model.to(device).eval()
        if self.fuse:
            fuse_after_first_step(model, model, self._use)
        return model

    def _use(self, model: Any) -> None:
        self.model = model

    def _load_weights_to_model(self, model: nn.Module, checkpoint: dict | None, cfg: Any) -> None:
        meta: Any = {}
        if checkpoint is not None:
            mode = 'partial' if self.allow_partial else 'exact'
            load_weights(model, checkpoint, self._source, mode)
            meta = checkpoint.get('meta', {}).get('dataset_meta') or {}
            meta = {key.lower(): value for key, value in meta.items()}
        meta.setdefault('classes', self._classes)
        if not meta['classes']:
            raise UserError(
                f'neither checkpoint {self._source} nor the config says the names of the classes; '
                'set test_dataloader.dataset.metainfo=dict(classes=(...))'
            )
        named = None if self.palette == 'none' else self.palette
        meta['palette'] = named or self._palette or meta.get('palette') or 'random'
        model.dataset_meta = meta

    def _init_pipeline(self, cfg: Any) -> Compose:
        steps = copy.deepcopy(_innermost(cfg.test_dataloader.dataset).pipeline)
        load = next((i for i, step in enumerate(steps) if _is(step, 'LoadImageFromFile')), None)
        if load is None:
            raise UserError('the test pipeline of the config has no LoadImageFromFile')
        steps = [s for s in steps[load + 1 :] if not _is(s, 'LoadAnnotations')]
        if 'meta_keys' in steps[-1]:
            steps[-1]['meta_keys'] = tuple(k for k in steps[-1]['meta_keys'] if k != 'img_id')
        return Compose([_Loader(cfg.test_dataloader, load), *steps])

    def _init_visualizer(self, cfg: Any) -> Visualizer:
        if 'visualizer' not in cfg:
            cfg.visualizer = ConfigDict(type='mmdet.DetLocalVisualizer', name='inferencer')
        cfg.visualizer.vis_backends = None  # pictures are written here, not by a logger
        return super()._init_visualizer(cfg)

    def _inputs_to_list(self, inputs: Image | Sequence[Image]) -> list[str | np.ndarray]:
        if isinstance(inputs, str | Path | np.ndarray):
            inputs = [inputs]
        found: list[str | np.ndarray] = []
        for item in inputs:
            if isinstance(item, np.ndarray):
                found.append(_check_array(item))
            elif isinstance(item, str | Path):
                found.extend(list_images(item))
            else:
                raise UserError(f'an input is a {type(item).__name__}; give paths or arrays')
        return found

    def __call__(
        self,
        inputs: Image | Sequence[Image],
        batch_size: int = 1,
        return_vis: bool = False,
        pred_score_thr: float = 0.3,
        out_dir: str | Path | None = None,
        skip_unreadable: bool = False,
    ) -> dict[str, list]:
        """Predict.

        Args:
            inputs: image paths, folders (their images, not those of folders inside) and arrays
                ``(H, W, 3)`` uint8 in the channel order of ``cv2.imread`` (BGR), or a list.
            batch_size: images a forward pass.
            return_vis: return the drawn pictures, ``(H, W, 3)`` uint8 RGB.
            pred_score_thr: lowest score, in [0, 1], that is drawn. The predictions hold all.
            out_dir: write ``vis/{image name}`` and ``preds/{image name}.json``.
            skip_unreadable: list unreadable files in :attr:`failed` as (path, reason) and
                go on, in place of raising.

        Returns:
            ``predictions``: a dict per readable image with ``img_path`` (None for an array),
            ``height``, ``width``, ``labels``, ``label_names``, ``scores``, ``bboxes`` (x1, y1,
            x2, y2 in pixels) and, from models with masks, ``masks`` (COCO RLE).
            ``visualization``: the pictures, when ``return_vis``.

        Raises:
            UserError: an input does not exist, or is not an image; ``batch_size`` or
                ``pred_score_thr`` is out of range.
        """
        if batch_size < 1:
            raise UserError(f'batch_size={batch_size} should be at least 1')
        if not 0 <= pred_score_thr <= 1:
            raise UserError(f'pred_score_thr={pred_score_thr} should be in [0, 1]')
        items = self._inputs_to_list(inputs)
        self.failed = []
        self.num_visualized_imgs = 0
        results: dict[str, list] = {'predictions': [], 'visualization': []}
        columns = (TextColumn('images'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, disable=not self.show_progress) as progress:
            task = progress.add_task('', total=len(items))
            for originals, batch in self._batches(items, batch_size, skip_unreadable):
                samples = self.forward(batch)
                drawn = self.visualize(
                    [o[..., ::-1] if isinstance(o, np.ndarray) else o for o in originals],
                    samples,
                    return_vis=return_vis,
                    pred_score_thr=pred_score_thr,
                    img_out_dir='' if out_dir is None else str(out_dir),
                )
                predictions = [
                    self._describe(o, s) for o, s in zip(originals, samples, strict=True)
                ]
                if out_dir is not None:
                    self._write(predictions, Path(out_dir), len(results['predictions']))
                results['predictions'].extend(predictions)
                results['visualization'].extend(drawn if return_vis and drawn else [])
                progress.update(task, completed=len(results['predictions']) + len(self.failed))
        return results

    def _batches(
        self, items: list[str | np.ndarray], size: int, skip: bool
    ) -> Iterator[tuple[list, Any]]:
        originals: list[str | np.ndarray] = []
        chunk: list[Any] = []
        for item in items:
            try:
                data = self.pipeline(item)
            except UserError as error:
                if not skip:
                    raise
                self.failed.append((str(item), str(error)))
                continue
            originals.append(item)
            chunk.append(data)
            if len(chunk) == size:
                yield originals, self.collate_fn(chunk)
                originals, chunk = [], []
        if chunk:
            yield originals, self.collate_fn(chunk)

    def _describe(self, original: str | np.ndarray, sample: DetDataSample) -> dict[str, Any]:
        result = self.pred2dict(sample)
        model: Any = self.model
        names = model.dataset_meta['classes']
        height, width = sample.ori_shape
        return {
            'img_path': original if isinstance(original, str) else None,
            'height': int(height),
            'width': int(width),
            'label_names': [names[label] for label in result['labels']],
            **result,
        }

    def _write(self, predictions: list[dict[str, Any]], folder: Path, start: int) -> None:
        target = folder / 'preds'
        target.mkdir(parents=True, exist_ok=True)
        for offset, prediction in enumerate(predictions):
            path = prediction['img_path']
            name = Path(path).name if path else f'{start + offset:08d}.jpg'
            (target / f'{name}.json').write_text(json.dumps(prediction), encoding='utf-8')


class _Loader:
    """First step of the pipeline: the config's own loader for files, another for arrays."""

    def __init__(self, dataloader: ConfigDict, index: int) -> None:
        step = copy.deepcopy(_innermost(dataloader.dataset).pipeline[index])
        if step['type'] in ('LoadImageFromFile', 'mmdet.LoadImageFromFile'):
            step['type'] = 'mmvisx.LoadImageFromFile'
        self.from_file = TRANSFORMS.build(step)
        to_float32 = step.get('to_float32', False)
        self.from_array = TRANSFORMS.build(
            dict(type='mmdet.LoadImageFromNDArray', to_float32=to_float32)
        )

    def __call__(self, item: str | np.ndarray) -> dict[str, Any]:
        if isinstance(item, np.ndarray):
            return self.from_array(dict(img=item))
        return self.from_file(dict(img_path=item))


def list_images(item: str | Path) -> list[str]:
    """Return the path of an image, or those of the images in a folder.

    Raises:
        UserError: There is no such file, or the folder holds no image.
    """
    path = Path(item).expanduser()
    if path.is_file() or '://' in str(item):
        return [str(item) if '://' in str(item) else str(path)]
    if not path.is_dir():
        siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UserError(f'{path}: no such image or folder{similar(path.name, siblings)}')
    images = sorted(p for p in path.iterdir() if p.suffix.lower() in IMG_EXTENSIONS)
    if not images:
        raise UserError(f'folder {path} holds no image ({", ".join(IMG_EXTENSIONS)})')
    return [str(p) for p in images]


def _check_array(image: np.ndarray) -> np.ndarray:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise UserError(
            f'an image array has shape {image.shape} and type {image.dtype}; it should be '
            '(height, width, 3) uint8 in BGR order, as cv2.imread gives it'
        )
    return image


def _is(step: dict[str, Any], name: str) -> bool:
    kind = step['type']
    return (kind.rsplit('.', 1)[-1] if isinstance(kind, str) else kind.__name__) == name


def _innermost(dataset: ConfigDict) -> ConfigDict:
    while 'pipeline' not in dataset:
        inner = dataset.get('dataset') or (dataset.get('datasets') or [None])[0]
        if inner is None:
            raise UserError('test_dataloader.dataset of the config has no pipeline')
        dataset = inner
    return dataset


def _config_of(checkpoint: dict[str, Any], source: str) -> Config:
    """Return the config that MMEngine keeps in a checkpoint."""
    hub = checkpoint.get('message_hub', {})
    info = hub.get('runtime_info', {}) if isinstance(hub, dict) else {}
    text = info.get('cfg') or checkpoint.get('meta', {}).get('cfg')
    if text is None:
        raise UserError(f'checkpoint {source} holds no config; give the config too')
    return Config.fromstring(text, file_format='.py')


def _dataset_colours(cfg: Config) -> tuple[Sequence[str] | None, Any]:
    """Return class names and palette of the config's test set without building it."""
    if 'test_dataloader' not in cfg:
        raise UserError('the config has no test_dataloader, whose pipeline prepares the images')
    dataset = _innermost(cfg.test_dataloader.dataset)
    with DATASETS.switch_scope_and_registry(cfg.get('default_scope', 'mmdet')) as registry:
        kind = registry.get(dataset.type) if isinstance(dataset.type, str) else dataset.type
    meta = {**(getattr(kind, 'METAINFO', None) or {}), **dataset.get('metainfo', {})}
    return meta.get('classes'), meta.get('palette')
