"""Make a bank: the activations of a classifier for every image of a data set."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import DefaultScope
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from mmvisx.datasets.classification.few_shot_bank import (
    BEGUN,
    RECORD,
    ActivationBank,
    begin_bank,
    check_fingerprint,
    complete_bank,
)
from mmvisx.models.heads.few_shot_predicted import PredictedHead
from mmvisx.utils.errors import UserError
from mmvisx.utils.files import explaining, remove_leftovers, write_json, writing
from mmvisx.utils.tasks import task_of

from .build import build_model, build_tested, tested_steps

__all__ = [
    'activations_of',
    'bank_fingerprint',
    'build_bank',
    'classifier_fingerprint',
    'pipeline_digest',
    'weights_digest',
]

DTYPES = ('float16', 'float32')
# Images between two entries in the record, from which a build goes on.
_RECORDED = 2048


def activations_of(model: nn.Module, data: dict[str, Any]) -> Tensor:
    """Return what a classifier's last layer gets, ``(N, d)``.

    Args:
        model: An mmpretrain classifier in evaluation mode.
        data: A batch as its loader gives it, before the data preprocessor.

    Raises:
        UserError: The head does not say what comes before its last layer, or that is no vector.
    """
    inputs = model.data_preprocessor(data, training=False)['inputs']  # type: ignore[operator]
    try:
        found = model.extract_feat(inputs, stage='pre_logits')  # type: ignore[operator]
    except (AttributeError, AssertionError) as error:
        head = type(getattr(model, 'head', None)).__name__
        raise UserError(
            f'{type(model).__name__} with {head} has no activations before a last layer: a bank '
            'needs an ImageClassifier whose head has pre_logits'
        ) from error
    if not isinstance(found, Tensor) or found.ndim != 2:
        raise UserError(
            f'activations before the last layer of {type(model).__name__} are no vectors: a bank '
            'needs a global pooling, as neck=dict(type="GlobalAveragePooling")'
        )
    return found


def weights_digest(model: nn.Module) -> str:
    """Return a digest of all weights of a model, names and shapes included.

    Of a taught classifier they are those that it had before.
    """
    state = model.state_dict()
    if isinstance(getattr(model, 'head', None), PredictedHead):
        state = {
            name.replace('head.before.', 'head.', 1): value
            for name, value in state.items()
            if name.startswith('head.before.') or not name.startswith('head.')
        }
    weights = hashlib.sha256()
    for name, value in sorted(state.items()):
        weights.update(f'{name} {tuple(value.shape)}'.encode())
        weights.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return weights.hexdigest()


def pipeline_digest(model: nn.Module, steps: Iterable[Any]) -> str:
    """Return a digest of what is done to an image before the network.

    Args:
        model: With its data preprocessor.
        steps: Transforms, built.
    """
    prepared: Any = model.data_preprocessor
    said = [repr(step) for step in steps]
    said += [f'{name} {value.tolist()}' for name, value in prepared.named_buffers()]
    said.append(f'to_rgb {getattr(prepared, "to_rgb", None)}')
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def classifier_fingerprint(model: nn.Module, cfg: Config) -> dict[str, str]:
    """Return digests of ``weights`` and ``pipeline`` of a classifier, taught or not.

    Args:
        model: Built from the config.
        cfg: With ``test_dataloader``.
    """
    with DefaultScope.overwrite_default_scope(task_of(cfg).scope):
        pipeline = pipeline_digest(model, Compose(tested_steps(cfg)).transforms)
    return dict(weights=weights_digest(model), pipeline=pipeline)


def bank_fingerprint(model: nn.Module, dataset: Any) -> dict[str, str]:
    """Return what activations depend on: digests of ``weights``, ``pipeline`` and ``file list``.

    Args:
        model: The classifier.
        dataset: The images, with the pipeline that they go through.
    """
    listed = '\n'.join(f'{path} {label}' for path, label in _files(dataset))
    return {
        'weights': weights_digest(model),
        'pipeline': pipeline_digest(model, dataset.pipeline.transforms),
        'file list': hashlib.sha256(listed.encode()).hexdigest(),
    }


def _files(dataset: Any) -> Iterator[tuple[str, int]]:
    root = Path(dataset.data_root or dataset.img_prefix or '.').absolute()
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        path = Path(info['img_path']).absolute()
        inside = path.is_relative_to(root)
        yield str(path.relative_to(root) if inside else path), int(info['gt_label'])


def bank_dataset(cfg: Config, split: str) -> Any:
    """Build the data set of a split, with the pipeline that images are tested with.

    Raises:
        UserError: The config has no such split, or no test data to take the pipeline of.
    """
    dataset = build_tested(cfg, split)
    if not hasattr(dataset, 'get_gt_labels'):
        raise UserError(
            f'{type(dataset).__name__} of {split}_dataloader is no plain data set of images with a '
            "label each: take mmpretrain's or mmvisx.ImageFolder without a wrapper"
        )
    return dataset


@torch.no_grad()
def build_bank(
    cfg: Config,
    checkpoint: str | Path,
    out: str | Path,
    split: str = 'train',
    dtype: str = 'float16',
    device: str = 'cpu',
    report: Callable[[int, int], None] = lambda done, total: None,
) -> ActivationBank:
    """Write the activations of a split's images into a folder; go on where an earlier call ended.

    Args:
        cfg: Of a classifier.
        checkpoint: Its weights.
        out: The folder (:class:`mmvisx.ActivationBank`).
        split: ``'train'``, ``'val'`` or ``'test'``; images go through the test pipeline.
        dtype: Of the stored activations: ``'float16'`` or ``'float32'``.
        device: That the network runs on.
        report: Told how many images of how many are done.

    Raises:
        UserError: The folder holds something else, or activations of other weights, another
            pipeline or other files; an activation is not finite (in float16: too large).
    """
    if dtype not in DTYPES:
        raise UserError(f'dtype={dtype!r} of a bank must be one of {", ".join(DTYPES)}')
    model = build_model(cfg, checkpoint, device)
    dataset = bank_dataset(cfg, split)
    return fill_bank(model, dataset, out, dtype, cfg[f'{split}_dataloader'], report)


@torch.no_grad()
def fill_bank(
    model: nn.Module,
    dataset: Any,
    out: str | Path,
    dtype: str = 'float16',
    loader: Any = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> ActivationBank:
    """Do as :func:`build_bank` with a model and a data set that are built already.

    Args:
        loader: ``batch_size`` and ``num_workers``, a mapping; 32 and 0 without one.
    """
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    record = _begin(folder, model, dataset, dtype)
    if record['complete']:
        return ActivationBank(folder)
    total, done = record['total'], record['done']
    loader = loader or {}
    batches = DataLoader(
        Subset(dataset, range(done, total)),
        batch_size=loader.get('batch_size', 32),
        num_workers=loader.get('num_workers', 0),
        collate_fn=pseudo_collate,
    )
    stored: Any = None
    recorded = done
    for data in batches:
        found = activations_of(model, data).float().cpu().numpy().astype(dtype)
        if not np.isfinite(found).all():
            bad = done + int(np.flatnonzero(~np.isfinite(found).all(axis=1))[0])
            raise UserError(
                f'the activation of {dataset.get_data_info(bad)["img_path"]} is not finite in '
                f'{dtype}: use dtype float32, or look at the checkpoint'
            )
        if stored is None:
            stored = _open(folder, total, found.shape[1], dtype)
        stored[done : done + len(found)] = found
        done += len(found)
        if done - recorded >= _RECORDED:
            stored.flush()
            recorded = done
            write_json(folder / RECORD, dict(record, done=done))
        report(done, total)
    if stored is not None:
        stored.flush()
    return complete_bank(folder, record)


def _begin(folder: Path, model: nn.Module, dataset: Any, dtype: str) -> dict[str, Any]:
    fingerprint = bank_fingerprint(model, dataset) | {'number type': dtype}
    if (folder / RECORD).is_file():
        record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding='utf-8'))
        check_fingerprint(folder, record.get('fingerprint', {}), fingerprint)
        return record
    remove_leftovers(folder)
    if {path.name for path in folder.iterdir()} - set(BEGUN):  # of a build that ended early
        raise UserError(f'{folder} is not empty and no bank: name a new folder')
    files = list(_files(dataset))
    if not files:
        raise UserError('the data set has no image: a bank of nothing is of no use')
    labels = np.array([label for _, label in files], np.int64)
    classes = dataset.CLASSES or [str(k) for k in range(int(labels.max()) + 1)]
    record = begin_bank(folder, labels, classes, [path for path, _ in files], fingerprint)
    write_json(folder / RECORD, record)
    return record


def _open(folder: Path, total: int, channels: int, dtype: str) -> np.ndarray:
    path = folder / 'activations.npy'
    if path.is_file():
        return np.load(path, mmap_mode='r+')
    size = total * channels * np.dtype(dtype).itemsize
    # Its header and length at once, zeros for now. The room is taken now, too: where a disk is
    # full, writing through a memory map kills the process.
    with explaining(path, size), writing(path, 'wb', size) as file:
        np.lib.format.write_array_header_1_0(
            file, dict(descr=np.dtype(dtype).str, fortran_order=False, shape=(total, channels))
        )
        file.flush()
        if hasattr(os, 'posix_fallocate'):  # not on macOS
            os.posix_fallocate(file.fileno(), file.tell(), size)
        else:
            file.truncate(file.tell() + size)
    return np.load(path, mmap_mode='r+')
