"""Renew what the assignments of all points are pulled towards (000, 3.3.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from sklearn.cluster import KMeans
from torch import Tensor

from mmvisx.evaluation.clustering import cluster_scores
from mmvisx.ops.embedded_clustering import kl_clustering_loss, target_distribution
from mmvisx.registry import HOOKS
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import modes_kept, unwrap

__all__ = ['DECTargetHook', 'assign_all', 'embed_all']

# Entry of a checkpoint.
TARGETS = 'mmvisx_dec_targets'
# Points at a time.
_CHUNK = 4096


@torch.no_grad()
def embed_all(model: Any, dataset: Any) -> Tensor:
    """Return the codes of all points of a data set, ``(n, d)``, on the model's device.

    Args:
        model: A :class:`mmvisx.DEC`; its mode is as before afterwards.
        dataset: Gives points by ``read(rows)``, as :class:`mmvisx.VectorDataset` does.
    """
    device = model.centroids.device
    codes = torch.empty(len(dataset), model.centroids.shape[1], device=device)
    for rows, part in _embedded(model, dataset):
        codes[rows] = part
    return codes


@torch.no_grad()
def _embedded(model: Any, dataset: Any) -> Iterator[tuple[slice, Tensor]]:
    """Yield rows and their codes ``(N, d)``, a chunk at a time."""
    with modes_kept(model):
        model.eval()
        for rows in _chunks(dataset):
            inputs = torch.as_tensor(dataset.read(rows)).to(model.centroids.device)
            yield slice(rows[0], rows[-1] + 1), model.embed(inputs)


def _chunks(dataset: Any) -> list[np.ndarray]:
    """Return the numbers of all points, in parts ``(N,)``."""
    return np.array_split(np.arange(len(dataset)), -(-len(dataset) // _CHUNK))


@HOOKS.register_module()
class DECTargetHook(Hook):
    """Set the centroids of a :class:`mmvisx.DEC`, renew its targets, stop when nothing moves.

    Before the first iteration k-means of all codes gives the centroids, unless a checkpoint did.
    At every renewal all points are embedded and assigned, P follows from all of Q, and the
    optimizer's momentum starts again. Training ends when fewer than ``tol`` of the points have
    changed cluster since the renewal before. Scores are logged where the data set has labels.

    Args:
        interval: Iterations between two renewals: the document's lambda.
        tol: Share of points, from 0 to 1.
        restarts: Of k-means.
        on_collapse: What to do about a cluster with less than 1 % of the mean number of points:
            ``'warn'``; ``'reseed'``: put its centroid, and that of the largest cluster, where
            k-means parts the largest cluster in two; ``'stop'``: end with an error.
        seed: Of k-means; the training's by default.

    Attributes:
        history: A dict for each renewal: ``iter``, ``loss`` (of all points, before P is renewed;
            ``None`` at first), ``changed`` (a share; ``None`` at first), ``sizes`` of the clusters
            and, with labels, ``acc``, ``nmi`` and ``ari``. Checkpoints hold it.

    Raises:
        UserError: An argument is out of range, the model or the data set is of another kind, or
            there are fewer distinct codes than clusters.

    Source: 000, 3.3.1 ("Optimization") and 3.4.3. The momentum's restart and 20 restarts of
    k-means are of the settings published with it and of 3.4.3.
    """

    def __init__(
        self,
        interval: int = 160,
        tol: float = 0.001,
        restarts: int = 20,
        on_collapse: str = 'warn',
        seed: int | None = None,
    ) -> None:
        if interval < 1 or restarts < 1:
            raise UserError(
                f'interval={interval} and restarts={restarts} of DECTargetHook are 1 or more'
            )
        if not 0 <= tol <= 1:
            raise UserError(f'tol={tol} of DECTargetHook is a share of the points: from 0 to 1')
        if on_collapse not in ('warn', 'reseed', 'stop'):
            raise UserError(
                f"on_collapse={on_collapse!r} of DECTargetHook: 'warn', 'reseed' or 'stop'"
            )
        self.interval, self.tol, self.restarts = interval, tol, restarts
        self.on_collapse, self.seed = on_collapse, seed
        self.history: list[dict[str, Any]] = []
        self._clusters: Tensor | None = None
        self._targets: Tensor | None = None

    def before_train(self, runner: Runner) -> None:
        """Set the centroids and the first targets, or take them from the run that goes on."""
        model, dataset = unwrap(runner.model), runner.train_dataloader.dataset
        if not hasattr(model, 'centroids') or not hasattr(dataset, 'read'):
            raise UserError(
                f'DECTargetHook is for mmvisx.DEC on a mmvisx.VectorDataset, not for '
                f'{type(model).__name__} on {type(dataset).__name__}'
            )
        if self._targets is not None:
            if len(self._targets) != len(dataset):
                raise UserError(
                    f'the run that is to go on was of {len(self._targets)} points, the data set '
                    f'has {len(dataset)}'
                )
            model.targets = self._targets.to(model.centroids.device)
            return
        if not model.centroids.any():
            seed = runner.seed if self.seed is None else self.seed
            self._cluster(runner, model, dataset, seed)
        self._renew(runner, model, dataset)

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Renew the targets where it is time."""
        if (runner.iter + 1) % self.interval:
            return
        model, dataset = unwrap(runner.model), runner.train_dataloader.dataset
        self._renew(runner, model, dataset)
        changed = self.history[-1]['changed']
        if changed < self.tol:
            runner.logger.info(
                f'{100 * changed:.3f} % of the points have changed cluster, less than tol = '
                f'{100 * self.tol} %: the training ends'
            )
            runner.train_loop.stop_training = True
            # For hooks that do something last, as writing a checkpoint, this is the last iteration.
            runner.train_loop._max_iters = runner.iter + 1

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Store the targets, which follow from weights that have moved on since."""
        checkpoint[TARGETS] = dict(
            targets=self._targets, clusters=self._clusters, history=self.history
        )

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Take them back, if the run goes on."""
        kept = checkpoint.get(TARGETS)
        if kept is not None and runner._resume:
            self._targets, self._clusters = kept['targets'], kept['clusters']
            self.history = list(kept['history'])

    def _cluster(self, runner: Runner, model: Any, dataset: Any, seed: int) -> None:
        clusters = model.num_clusters
        # Of the points themselves, too: codes of one point may differ by rounding.
        distinct = _distinct((torch.as_tensor(dataset.read(r)) for r in _chunks(dataset)), clusters)
        if distinct < clusters:
            raise UserError(
                f'num_clusters={clusters}, but there are {distinct} distinct points: at most that '
                'many clusters'
            )
        codes = embed_all(model, dataset)
        distinct = _distinct(codes.split(_CHUNK), clusters)
        if distinct < clusters:
            raise UserError(
                f'num_clusters={clusters}, but the {len(codes)} points have {distinct} distinct '
                'codes: fewer clusters, or an encoder that tells them apart (one whose autoencoder '
                'has learnt nothing gives all points one code)'
            )
        seed %= 2**32
        kmeans = KMeans(clusters, n_init=self.restarts, random_state=seed, copy_x=False)
        # In double precision they take twice the memory, and k-means half as much again: the codes
        # themselves are not kept beside, the first targets embed the points again.
        points = codes.double().cpu().numpy()
        del codes
        kmeans.fit(points)
        model.centroids.data.copy_(torch.from_numpy(kmeans.cluster_centers_))
        runner.logger.info(
            f'k-means of {len(points)} codes, best of {self.restarts}: '
            f'inertia {kmeans.inertia_:.6g}'
        )

    @torch.no_grad()
    def _renew(self, runner: Runner, model: Any, dataset: Any) -> None:
        # Codes are not kept beside the assignments: with many points that is what fills the memory.
        q = torch.empty(len(dataset), model.num_clusters, device=model.centroids.device)
        for rows, codes in _embedded(model, dataset):
            q[rows] = model.assign(codes)
        sizes = _sizes(q)
        if self._looks_after(runner, model, dataset, q, sizes):
            q, sizes = assign_all(model, embed_all(model, dataset))
        at: dict[str, Any] = dict(iter=runner.iter + 1 if self.history else 0, loss=None)
        if model.targets is not None:
            at['loss'] = _mean_loss(q, model.targets)
        # One of the two at a time, for the same reason.
        self._targets = model.targets = None
        clusters, before = q.argmax(dim=1).cpu(), self._clusters
        at['changed'] = None if before is None else (clusters != before).double().mean().item()
        at['sizes'] = sizes.tolist()
        if dataset.labels is not None:
            at.update(cluster_scores(np.asarray(dataset.labels), clusters.numpy()))
        self.history.append(at)
        _say(runner, at)
        model.targets = target_distribution(q)
        self._targets, self._clusters = model.targets.cpu(), clusters
        for state in runner.optim_wrapper.optimizer.state.values():
            state.pop('momentum_buffer', None)

    def _looks_after(
        self, runner: Runner, model: Any, dataset: Any, q: Tensor, sizes: Tensor
    ) -> bool:
        """Warn of clusters that are as good as empty; whether centroids ``(K, d)`` were moved."""
        least = len(q) / model.num_clusters / 100
        small = [k for k, size in enumerate(sizes.tolist()) if size < least]
        if not small:
            return False
        line = (
            f'clusters {small} of {model.num_clusters} have fewer than {least:.3g} points (1 % of '
            f'their mean number); sizes {sizes.tolist()}'
        )
        if self.on_collapse == 'stop':
            raise UserError(
                f'{line}: fewer clusters, a smaller learning rate, a shorter interval or '
                "on_collapse='reseed' may help"
            )
        runner.logger.warning(line)
        if self.on_collapse == 'reseed':
            codes = embed_all(model, dataset)
            for k in small:
                largest = int(sizes.argmax())
                points = codes[q.argmax(dim=1) == largest]
                if _distinct(points.split(_CHUNK), 2) < 2:
                    break
                parts = KMeans(2, n_init=self.restarts, random_state=k).fit(
                    points.double().cpu().numpy()
                )
                model.centroids.data[[largest, k]] = torch.from_numpy(parts.cluster_centers_).to(
                    model.centroids
                )
                q, sizes = assign_all(model, codes)
        return self.on_collapse == 'reseed'


@torch.no_grad()
def assign_all(model: Any, codes: Tensor) -> tuple[Tensor, Tensor]:
    """Return q ``(n, K)`` of codes ``(n, d)`` and the clusters' numbers of points, ``(K,)``."""
    q = torch.empty(len(codes), model.num_clusters, device=codes.device)
    for part, out in zip(codes.split(_CHUNK), q.split(_CHUNK), strict=True):
        out.copy_(model.assign(part))
    return q, _sizes(q)


def _sizes(q: Tensor) -> Tensor:
    """Return the clusters' numbers of points, ``(K,)``, of q ``(n, K)``."""
    return torch.bincount(q.argmax(dim=1), minlength=q.shape[1])


def _mean_loss(q: Tensor, targets: Tensor) -> float:
    """Return Eq. 3.2 a point, of q and P ``(n, K)``."""
    parts = zip(q.split(_CHUNK), targets.split(_CHUNK), strict=True)
    loss = sum(kl_clustering_loss(*part, reduction='sum').double() for part in parts)
    return float(loss) / len(q)


def _distinct(parts: Iterable[Tensor], enough: int) -> int:
    """Count the rows that differ of parts ``(N, d)``, and no further once there are ``enough``."""
    found: Tensor | None = None
    for part in parts:
        found = (part if found is None else torch.cat([found, part])).unique(dim=0)
        if len(found) >= enough:
            return len(found)
    return 0 if found is None else len(found)


def _say(runner: Runner, at: dict[str, Any]) -> None:
    sizes = at['sizes']
    numbers = {k: v for k, v in at.items() if k not in ('iter', 'sizes') and v is not None}
    said = ', '.join(f'{name} {value:.4g}' for name, value in numbers.items())
    print_log(
        f'targets renewed at iteration {at["iter"]}: {said}{", " if said else ""}'
        f'clusters of {min(sizes)} to {max(sizes)} points',
        logger='current',
    )
    runner.visualizer.add_scalars(
        {f'dec/{name}': value for name, value in numbers.items()}, step=at['iter']
    )
