"""Open clusterings to look into: recipes with their checkpoints, saved estimators, series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.config import Config
from sklearn.cluster import KMeans

from mmvisx.apis.build import build_dataset, build_model
from mmvisx.apis.run import prepare_config
from mmvisx.datasets import VectorDataset
from mmvisx.engine.checkpoints import newest_intact
from mmvisx.engine.hooks.embedded_clustering_targets import TARGETS, embed_all
from mmvisx.models.clusterers import DEC
from mmvisx.utils.checkpoint import read_checkpoint
from mmvisx.utils.errors import UserError

from .estimator import DeepClustering

__all__ = ['START', 'Clustering', 'Run', 'open_clusterings', 'open_runs']

START = 'start'
"""In place of a checkpoint: the recipe's encoder as it begins, and k-means of its codes."""


class Clustering(NamedTuple):
    """A clustering and its points.

    Attributes:
        title: When in the training it was.
        model: With centroids.
        dataset: Of all points that were clustered.
        source: What the data set reads: files, or an array.
        history: Of :class:`mmvisx.DECTargetHook`, as far as the training had come.
    """

    title: str
    model: DEC
    dataset: VectorDataset
    source: Any
    history: list[dict[str, Any]]


class Run(NamedTuple):
    """A finished training of a series.

    Attributes:
        model: With centroids.
        train: Points that it learnt from.
        held_out: Others.
    """

    model: DEC
    train: VectorDataset
    held_out: VectorDataset


def open_clusterings(
    files: Sequence[str],
    points: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> list[Clustering]:
    """Open a recipe's checkpoints, or a saved :class:`mmvisx.apis.DeepClustering`.

    Args:
        files: A config, then one checkpoint or more, :data:`START` among them; or the file of a
            saved estimator alone.
        points: Files of the points, as ``data`` of :class:`mmvisx.VectorDataset`; needed for an
            estimator, the config's training data otherwise.
        labels: Of those points.
        options: Of the config.

    Raises:
        UserError: The files are of another kind, do not fit, or there are no points.
    """
    if len(files) == 1:
        return [_open_saved(files[0], points, labels)]
    cfg = prepare_config(files[0], options=dict(options or {}))
    if points or labels:
        raise UserError(
            f'--points and --labels are for a saved estimator: {files[0]} names its own, in '
            'train_dataloader.dataset'
        )
    dataset = build_dataset(cfg, 'train')
    source = cfg.train_dataloader.dataset.data
    found = []
    for file in files[1:]:
        if file == START:
            found.append(Clustering('epoch 0', _started(cfg, dataset), dataset, source, []))
            continue
        content = read_checkpoint(file)
        iteration = content.get('meta', {}).get('iter')
        epochs = (iteration or 0) * cfg.train_dataloader.batch_size / len(dataset)
        title = Path(file).name
        if iteration is not None:
            title = f'epoch {epochs:.1f}, iteration {iteration}'
        history = (content.get(TARGETS) or {}).get('history', [])
        found.append(Clustering(title, _with_weights(cfg, file), dataset, source, history))
    return found


def open_runs(series: str | Path) -> Iterator[Run]:
    """Open the trainings of a series that hold out the points of their ``test_dataloader``.

    Args:
        series: Work dir of ``tools/run_series.py``.

    Raises:
        UserError: There is no finished training, or one that holds nothing out.
    """
    configs = sorted(Path(series).glob('*/seed_*/run.py'))
    finished = [path for path in configs if (path.parent / 'result.json').is_file()]
    if not finished:
        raise UserError(
            f'{series} has no finished training (*/seed_*/result.json): give the work dir of '
            'tools/run_series.py'
        )
    for path in finished:
        cfg = prepare_config(path)
        held_out = (cfg.get('test_dataloader') or {}).get('dataset')
        if held_out is None or held_out == cfg.train_dataloader.dataset:
            raise UserError(
                f'{path} tests on the points that it trains on: generalizability needs others, as '
                "mmvisx.VectorSplit gives with part='held_out'"
            )
        checkpoint = newest_intact(path.parent).path
        if checkpoint is None:
            raise UserError(f'{path.parent} has no checkpoint any more')
        model = _with_weights(cfg, checkpoint)
        yield Run(model, build_dataset(cfg, 'train'), build_dataset(cfg, 'test'))


def _with_weights(cfg: Config, checkpoint: str | Path) -> DEC:
    model = build_model(cfg, checkpoint, _device())
    _check_kind(model, cfg.filename)
    return model  # type: ignore[return-value]


def _started(cfg: Config, dataset: VectorDataset) -> DEC:
    """Return a recipe's model as :class:`mmvisx.DECTargetHook` starts its training."""
    model: Any = build_model(cfg, device=_device())
    _check_kind(model, cfg.filename)
    model.init_weights()
    hooks = [hook for hook in cfg.get('custom_hooks', ()) if hook['type'].endswith('DECTargetHook')]
    settings = hooks[0] if hooks else {}
    seed = settings.get('seed')
    seed = (cfg.get('randomness') or {}).get('seed') if seed is None else seed
    codes = embed_all(model, dataset).double().cpu().numpy()
    restarts = settings.get('restarts', 20)
    kmeans = KMeans(model.num_clusters, n_init=restarts, random_state=(seed or 0) % 2**32)
    kmeans.fit(codes)
    model.centroids.data.copy_(torch.from_numpy(kmeans.cluster_centers_))
    return model.eval()


def _check_kind(model: Any, name: str) -> None:
    if not isinstance(model, DEC):
        raise UserError(f'{name} is of no clustering: its model is {type(model).__name__}, not DEC')


def _open_saved(
    file: str, points: Sequence[str] | None, labels: Sequence[str] | None
) -> Clustering:
    if not file.endswith('.pth'):
        raise UserError(f'{file} alone: give a config and a checkpoint, or a saved DeepClustering')
    saved = DeepClustering.load(file)
    if not points:
        raise UserError(f'{file} holds no points: name their files by --points')
    source = list(points)
    named = list(labels) if labels else None
    dataset = VectorDataset(source, named, scale=saved.scale_)
    if dataset.channels != saved.n_features_in_:
        raise UserError(
            f'a point of {", ".join(source)} has {dataset.channels} values, {file} was fitted to '
            f'points of {saved.n_features_in_}'
        )
    title = f'iteration {saved.n_iter_}'
    return Clustering(title, saved.model_, dataset, source, saved.history_)


def _device() -> str:
    return 'cuda' if torch.cuda.is_available() else 'cpu'
