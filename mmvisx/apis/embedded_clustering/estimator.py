"""Deep Embedded Clustering with scikit-learn's interface (000, chapter 3).

Letters: n points, D values of a point, d of a code, k clusters.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import sparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin
from sklearn.base import TransformerMixin as Transformer
from sklearn.utils import assert_all_finite, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from mmvisx.datasets import VectorDataset
from mmvisx.engine.hooks.embedded_clustering_targets import DECTargetHook, assign_all, embed_all
from mmvisx.models.clusterers import DEC, StackedAutoencoder
from mmvisx.utils.checkpoint import read_checkpoint
from mmvisx.utils.checkpoint_file import write_checkpoint
from mmvisx.utils.errors import UserError

from .training import elsewhere, points_runner

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ['DeepClustering']


class DeepClustering(ClassNamePrefixFeaturesOutMixin, Transformer, ClusterMixin, BaseEstimator):
    """Learn codes of points and clusters of the codes together.

    A stacked autoencoder is trained pair after pair and as a whole, k-means of its codes gives
    the first centroids, and both are refined (:class:`mmvisx.DEC`). The defaults are for minutes on
    a CPU, with Adam; the document's settings are the recipes in ``configs/embedded_clustering``.

    Args:
        n_clusters: k, 2 or more.
        channels: Values of each layer and of the code; those of a point come before.
        pair_iters: Iterations of each pair of the autoencoder.
        whole_iters: Iterations of all of them together; 0 with ``pair_iters=0``: no autoencoder.
        max_iters: Iterations of the clustering at most.
        interval: Iterations between two renewals of the targets.
        tol: The clustering ends when a smaller share of the points changes cluster.
        batch_size: Points of an iteration.
        lr: Learning rate of the autoencoder's Adam.
        cluster_lr: Learning rate of the clustering's SGD, momentum 0.9.
        alpha: Degrees of freedom of Student's t-distribution (Eq. 3.1).
        freeze_encoder: Learn the centroids alone.
        on_collapse: What to do about empty clusters: ``'warn'``, ``'reseed'`` or ``'stop'``
            (:class:`mmvisx.DECTargetHook`).
        n_init: Restarts of k-means.
        scale: Factor of all values; by default one that makes the mean of squares 1.
        encoder: Config of another encoder, as of :class:`mmvisx.DEC`, which is trained end to end
            from its own ``init_cfg`` on, without an autoencoder; its codes give d. Batch norms
            should come with statistics (``init_cfg`` of a checkpoint): the first centroids are of
            codes in evaluation.
        input_shape: Of one point for that encoder, ``(C, H, W)``.
        device: ``'cpu'``, ``'cuda'``, ...; by default a GPU where there is one.
        random_state: Seed or NumPy's ``RandomState``.
        verbose: Show on stderr how far a training got that takes more than seconds.

    Attributes:
        labels_: Cluster of each point, ``(n,)``.
        cluster_centers_: ``(k, d)``, among codes.
        history_: Of each renewal, see :class:`mmvisx.DECTargetHook`.
        n_iter_: Iterations of the clustering.
        scale_: Factor of all values.
        model_: The :class:`mmvisx.DEC`.
        notes_: What :meth:`save` was given to keep; only of a loaded one.

    Source: 000, chapter 3.
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        channels: Sequence[int] = (500, 500, 2000, 10),
        pair_iters: int = 1000,
        whole_iters: int = 2000,
        max_iters: int = 6400,
        interval: int = 160,
        tol: float = 0.001,
        batch_size: int = 256,
        lr: float = 1e-3,
        cluster_lr: float = 0.01,
        alpha: float = 1.0,
        freeze_encoder: bool = False,
        on_collapse: str = 'warn',
        n_init: int = 20,
        scale: float | None = None,
        encoder: Mapping[str, Any] | None = None,
        input_shape: Sequence[int] | None = None,
        device: str | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.n_clusters = n_clusters
        self.channels = channels
        self.pair_iters = pair_iters
        self.whole_iters = whole_iters
        self.max_iters = max_iters
        self.interval = interval
        self.tol = tol
        self.batch_size = batch_size
        self.lr = lr
        self.cluster_lr = cluster_lr
        self.alpha = alpha
        self.freeze_encoder = freeze_encoder
        self.on_collapse = on_collapse
        self.n_init = n_init
        self.scale = scale
        self.encoder = encoder
        self.input_shape = input_shape
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn encoder and clusters of points ``(n, D)``, dense or sparse.

        Args:
            X: Points; finite. Sparse ones stay so: a batch of rows is made dense at a time.
            y: Known classes ``(n,)`` or ``None``; nothing is learnt from them, they only give the
                accuracies in :attr:`history_`.

        Raises:
            ValueError: A value is NaN or infinite; its row is named.
            UserError: There are fewer distinct points, or codes, than clusters, an argument is out
                of range, or a loss is not finite.
        """
        points, seed = self._begin(X)
        labels = None if y is None else np.unique(np.asarray(y), return_inverse=True)[1]
        dataset = VectorDataset(points, labels=labels, scale=self.scale_)
        self._check_distinct(points)
        with elsewhere(), tempfile.TemporaryDirectory() as folder:
            encoder = self._pretrained(dataset, Path(folder), seed)
            self.model_ = self._build(encoder)
            hook = DECTargetHook(self.interval, self.tol, self.n_init, self.on_collapse, seed)
            runner = self._runner(
                self.model_,
                dataset,
                Path(folder) / 'clusters',
                seed,
                train_cfg=dict(type='IterBasedTrainLoop', max_iters=self.max_iters),
                optimizer=dict(type='SGD', lr=self.cluster_lr, momentum=0.9),
                hooks=[hook],
            )
            runner.train()
            self.n_iter_ = runner.iter
        self.history_ = hook.history
        self.model_.targets = None
        self.model_.eval()
        self.cluster_centers_ = self.model_.centroids.detach().cpu().numpy()
        self._n_features_out = self.cluster_centers_.shape[1]
        self.labels_ = self._assigned(dataset).argmax(axis=1)
        return self

    def pretrain(self, X: Any, path: str | Path) -> dict[str, Any]:  # noqa: N803
        """Train the autoencoder of points ``(n, D)`` alone, for clusterings of several k.

        Args:
            X: Points, as of :meth:`fit`.
            path: The file of its weights, which is written.

        Returns:
            ``encoder`` and ``scale`` for the clusterings' constructor.

        Raises:
            UserError: The loss is not finite, or the file cannot be written.
        """
        points, seed = self._begin(X)
        dataset = VectorDataset(points, scale=self.scale_)
        with elsewhere(), tempfile.TemporaryDirectory() as folder:
            encoder = self._pretrained(dataset, Path(folder), seed, path)
        return dict(encoder=encoder, scale=self.scale_)

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return the cluster of each point ``(n, D)``, ``(n,)``."""
        return self.predict_proba(X).argmax(axis=1)

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return how far each point ``(n, D)`` belongs to each cluster, ``(n, k)`` (Eq. 3.1)."""
        return self._assigned(self._dataset(X))

    def transform(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return the codes of points ``(n, D)``, ``(n, d)``."""
        dataset = self._dataset(X)
        return embed_all(self.model_, dataset).cpu().numpy()

    def save(self, path: str | Path, notes: Mapping[str, Any] | None = None) -> None:
        """Write the fitted estimator to a file, whole or not at all.

        Args:
            path: The file.
            notes: Numbers and words to keep with it, as how the points were made.

        Raises:
            UserError: It cannot be written.
        """
        check_is_fitted(self)
        plain = {key: value for key, value in self.get_params().items() if key in _PLAIN}
        plain['channels'] = list(self.channels)
        content = dict(
            state_dict={key: value.cpu() for key, value in self.model_.state_dict().items()},
            deep_clustering=dict(
                parameters=plain,
                scale=self.scale_,
                features=self.n_features_in_,
                iterations=self.n_iter_,
                history=self.history_,
                labels=torch.from_numpy(self.labels_),
                notes=dict(notes or {}),
            ),
        )
        write_checkpoint(content, path)

    @classmethod
    def load(
        cls,
        path: str | Path,
        encoder: Mapping[str, Any] | None = None,
        input_shape: Sequence[int] | None = None,
        device: str | None = None,
    ) -> Self:
        """Read what :meth:`save` has written.

        Args:
            path: The file.
            encoder: Config of the encoder, if it was given one: a file does not say what is built.
            input_shape: As of the constructor.
            device: As of the constructor.

        Raises:
            UserError: The file is damaged, no saved estimator, or one with another encoder.
        """
        checkpoint = read_checkpoint(path)
        kept = checkpoint.get('deep_clustering')
        if kept is None:
            raise UserError(f'{path} is no saved DeepClustering: it was not written by its save()')
        self = cls(**kept['parameters'], encoder=encoder, input_shape=input_shape, device=device)
        self.n_features_in_, self.scale_ = kept['features'], kept['scale']
        self.n_iter_, self.history_ = kept['iterations'], kept['history']
        self.labels_ = kept['labels'].numpy()
        self.notes_ = kept.get('notes', {})
        self.model_ = self._build(None)
        try:
            self.model_.load_state_dict(checkpoint['state_dict'])
        except RuntimeError as error:
            raise UserError(
                f'{path} was saved with another encoder than encoder={encoder}: give load() the '
                f'config that the estimator was made with'
            ) from error
        self.model_.to(self._place()).eval()
        self.cluster_centers_ = self.model_.centroids.detach().cpu().numpy()
        self._n_features_out = self.cluster_centers_.shape[1]
        return self

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn is to know: sparse points are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ['float32']
        return tags

    def _begin(self, points: Any) -> tuple[Any, int]:
        """Return points ``(n, D)`` as they are used, and the seed; sets their scale."""
        points = self._checked(points, reset=True)
        self.scale_ = float(self.scale) if self.scale else _unit_scale(points)
        return points, int(check_random_state(self.random_state).randint(2**31 - 1))

    def _checked(self, points: Any, reset: bool) -> Any:
        checked = validate_data(
            self, points, reset=reset, accept_sparse='csr', dtype=np.float32,
            ensure_min_samples=2 if reset else 1, ensure_all_finite=False,
        )  # fmt: skip
        try:
            assert_all_finite(checked, input_name='X')
        except ValueError as error:
            what = str(error).splitlines()[0]
            raise ValueError(f'{what} It is in row {_first_bad_row(checked)}') from error
        return checked

    def _dataset(self, points: Any) -> VectorDataset:
        check_is_fitted(self)
        return VectorDataset(self._checked(points, reset=False), scale=self.scale_)

    def _assigned(self, dataset: VectorDataset) -> np.ndarray:
        return assign_all(self.model_, embed_all(self.model_, dataset))[0].cpu().numpy()

    def _check_distinct(self, points: Any) -> None:
        """Refuse points ``(n, D)`` of which fewer than k are distinct; looks at no more than k."""
        found: set[bytes] = set()
        for row in points:
            row = row.toarray() if sparse.issparse(row) else row
            found.add(np.ascontiguousarray(row).tobytes())
            if len(found) >= self.n_clusters:
                return
        raise UserError(
            f'n_clusters={self.n_clusters}, but there are {len(found)} distinct points: at most '
            'that many clusters'
        )

    def _build(self, encoder: Mapping[str, Any] | None) -> DEC:
        size = self.channels[-1]
        if encoder is None:
            channels = (self.n_features_in_, *self.channels)
            encoder = self.encoder or dict(type='mmvisx.StackedEncoder', channels=channels)
        model = DEC(
            encoder, self.n_clusters, size, self.alpha, self.freeze_encoder, self.input_shape
        )
        if self.encoder:
            with torch.no_grad():
                model.eval()
                size = model.embed(torch.zeros(2, self.n_features_in_)).shape[1]
            model.centroids = torch.nn.Parameter(torch.zeros(self.n_clusters, size))
        return model

    def _pretrained(
        self, dataset: VectorDataset, folder: Path, seed: int, path: str | Path | None = None
    ) -> Mapping[str, Any] | None:
        """Train the autoencoder; return the config of its encoder, whose weights go to path."""
        if self.encoder or not (self.pair_iters or self.whole_iters):
            return None
        channels = (self.n_features_in_, *self.channels)
        stages = [self.pair_iters] * len(self.channels) + [self.whole_iters]
        init = dict(type='Normal', layer='Linear', std=0.01)
        runner = self._runner(
            StackedAutoencoder(channels, init_cfg=init),
            dataset,
            folder / 'autoencoder',
            seed,
            train_cfg=dict(type='mmvisx.GreedyLoop', stages=stages),
            optimizer=dict(type='Adam', lr=self.lr),
        )
        runner.train()
        checkpoint = str(path or folder / 'autoencoder.pth')
        write_checkpoint(dict(state_dict=dict(runner.model.state_dict())), checkpoint)
        start = dict(type='Pretrained', checkpoint=checkpoint, prefix='encoder.')
        return dict(type='mmvisx.StackedEncoder', channels=channels, init_cfg=start)

    def _runner(
        self, model: Any, dataset: VectorDataset, work_dir: Path, seed: int, **kwargs: Any
    ) -> Any:
        return points_runner(
            model.to(self._place()), dataset, work_dir, seed,
            batch_size=self.batch_size, verbose=self.verbose, **kwargs,
        )  # fmt: skip

    def _place(self) -> torch.device:
        return torch.device(self.device or ('cuda' if torch.cuda.is_available() else 'cpu'))


# Parameters that a file holds: numbers, words and lists.
_PLAIN = frozenset(DeepClustering().get_params()) - {
    'encoder', 'input_shape', 'device', 'random_state', 'channels', 'verbose',
}  # fmt: skip


def _first_bad_row(points: Any) -> int:
    """Return the number of the first row of ``(n, D)`` with NaN or infinity."""
    values = points.data if sparse.issparse(points) else points.ravel()
    place = int(np.flatnonzero(~np.isfinite(values))[0])
    if sparse.issparse(points):
        return int(np.searchsorted(points.indptr, place, side='right')) - 1
    return place // points.shape[1]


def _unit_scale(points: Any) -> float:
    """Return the factor that makes the mean of the squares of points ``(n, D)`` 1."""
    values = points.data if sparse.issparse(points) else points
    squares = float(np.square(values, dtype=np.float64).sum()) / (points.shape[0] * points.shape[1])
    return squares**-0.5 if squares else 1.0
