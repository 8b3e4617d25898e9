"""A classifier's head whose weights are predicted, and which learns classes from a few samples.

Vocabulary: *large* classes had many images and are represented by a weight each; *few* classes
were added, and keep the activations of their *samples*. Letters: N images, L large and F few
classes, S samples, d channels.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import torch
from mmpretrain.models.heads import ClsHead
from torch import Tensor, nn

from mmvisx.ops.few_shot import maximal_response, rows_of_classes
from mmvisx.registry import MODELS
from mmvisx.utils.errors import UserError
from mmvisx.utils.text import similar

__all__ = ['FEW', 'PredictedHead']

FEW = ('max', 'mean')


@MODELS.register_module()
class PredictedHead(ClsHead):
    """Classify by predicted weights; classes come and go without training.

    Scores of the large classes stand first, those of the few classes after them in the order in
    which they were added. :func:`mmvisx.surgery.teach_head` puts one in the place of a
    classifier's head, whose layers before the last one it keeps.

    Args:
        predictor: Config of the :class:`mmvisx.ParameterPredictor`.
        num_large: L.
        few: A few class answers by the maximal response over its samples (``'max'``, Figure 2-4a)
            or by the weights of their mean activation (``'mean'``, Table 2-III with 5 samples).
        before: Head whose ``pre_logits`` makes activations of features; ``None``: the last one
            is the activation.
        **kwargs: Of mmpretrain's ``ClsHead``.

    Attributes:
        large_spread: Median cosine similarity of large classes' images to their mean.
        offset: Added to the logits of the few classes, in units of the activation's length (of a
            cosine similarity): above 0 more images go to them.
        threshold: Highest logit, in the same units, below which an image shows none of the classes.
        names: Of the few classes.

    Source: 001, section 2.2.2.
    """

    offset: Tensor
    threshold: Tensor
    large_spread: Tensor
    large_weight: Tensor
    large_mean: Tensor
    few_activation: Tensor
    few_label: Tensor
    few_weight: Tensor
    record: Tensor

    def __init__(
        self,
        predictor: dict[str, Any],
        num_large: int,
        few: str = 'max',
        before: nn.Module | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if few not in FEW:
            raise UserError(f'few={few!r} of PredictedHead must be one of {", ".join(FEW)}')
        self.few, self.before = few, before
        self.predictor = MODELS.build(predictor).requires_grad_(False)
        channels = self.predictor.channels
        self.register_buffer('large_weight', torch.zeros(num_large, channels))
        self.register_buffer('large_mean', torch.zeros(num_large, channels))
        self.register_buffer('few_activation', torch.zeros(0, channels))
        self.register_buffer('few_label', torch.zeros(0, dtype=torch.long))
        self.register_buffer('few_weight', torch.zeros(0, channels))
        self.register_buffer('offset', torch.zeros(()))
        self.register_buffer('threshold', torch.full((), -torch.inf))
        self.register_buffer('large_spread', torch.ones(()))
        self.register_buffer('record', _encode([]))
        self.register_buffer('_rows', torch.zeros(0, 0, dtype=torch.long), persistent=False)

    @property
    def channels(self) -> int:
        """Channels of an activation, d."""
        return int(self.large_weight.shape[1])

    @property
    def num_large(self) -> int:
        """Number of large classes, L."""
        return len(self.large_weight)

    @property
    def num_classes(self) -> int:
        """Number of classes, L + F."""
        return self.num_large + len(self.names)

    @property
    def entries(self) -> list[dict[str, Any]]:
        """Of each few class its ``name`` and ``samples``, which say where they came from."""
        found: list[dict[str, Any]] = json.loads(bytes(self.record.cpu().numpy()))
        return found

    @property
    def names(self) -> list[str]:
        """Names of the few classes."""
        return [entry['name'] for entry in self.entries]

    def pre_logits(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return activations ``(N, d)`` of the stages' features."""
        return feats[-1] if self.before is None else self.before.pre_logits(feats)  # type: ignore[operator]

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return logits ``(N, L + F)`` of the stages' features."""
        return self.classify(self.pre_logits(feats))

    def classify(self, activations: Tensor) -> Tensor:
        """Return logits ``(N, L + F)`` of raw activations ``(N, d)``.

        Source: 001, Eq. 2.6 for the large classes, Figure 2-4a for the few.
        """
        large = activations @ self.large_weight.T
        if not len(self.few_weight):
            return large
        return torch.cat([large, self.classify_few(activations)], dim=1)

    def classify_few(self, activations: Tensor) -> Tensor:
        """Return logits ``(N, F)`` of the few classes, F > 0, of raw activations ``(N, d)``."""
        few = activations @ self.few_weight.T
        if self.few == 'max':
            few = maximal_response(few, self._rows)
        return few + self.offset * activations.norm(dim=1, keepdim=True)

    def predict(
        self, feats: tuple[Tensor, ...], data_samples: Sequence[Any] | None = None
    ) -> list[Any]:
        """Predict as other heads do, and say whether the image shows one of the classes.

        Args:
            feats: Of the stages, the last ``(N, d)``.
            data_samples: N samples.

        Returns:
            Samples with ``pred_score``, ``pred_label`` and ``known``.
        """
        activations = self.pre_logits(feats)
        logits = self.classify(activations)
        samples = self._get_predictions(logits, data_samples)
        certain = logits.amax(dim=1) >= self.threshold * activations.norm(dim=1)
        for sample, known in zip(samples, certain, strict=True):
            sample.known = bool(known)
        return samples

    @torch.no_grad()
    def set_large(self, means: Tensor, weights: Tensor | None = None) -> None:
        """Give the large classes their weights.

        Args:
            means: Mean activations, ``(L, d)``.
            weights: ``(L, d)``, as :meth:`mmvisx.ParameterPredictor.expected` makes them
                (Eq. 2.3); predicted from the means without (Eq. 2.6).
        """
        means = self._checked(means, 'mean activations')
        self.large_mean = means
        self.large_weight = self.predictor(means) if weights is None else weights.to(means)

    @torch.no_grad()
    def add_category(
        self, name: str, activations: Tensor, sources: Sequence[dict[str, Any]] | None = None
    ) -> None:
        """Add a few class.

        Args:
            name: Of the class.
            activations: Of its samples, raw, ``(n, d)``.
            sources: Where each sample came from, plain values, n of them.

        Raises:
            UserError: The name is taken, there is no sample, or the activations are of another
                width or not finite; nothing is added.
        """
        entries = self.entries
        if name in self.names:
            raise UserError(
                f'there is a class {name!r} already: take another name, or add samples to it'
            )
        self._add(activations, sources, [*entries, dict(name=name, samples=[])], len(entries))

    @torch.no_grad()
    def add_samples(
        self, name: str, activations: Tensor, sources: Sequence[dict[str, Any]] | None = None
    ) -> None:
        """Add activations ``(n, d)`` to a few class; else as :meth:`add_category`."""
        self._add(activations, sources, self.entries, self._index(name))

    @torch.no_grad()
    def remove_category(self, name: str) -> None:
        """Take a few class out.

        Raises:
            UserError: There is no few class of that name.
        """
        index, entries = self._index(name), self.entries
        kept, rows = self.few_label != index, self._row_labels() != index
        labels = self.few_label[kept]
        del entries[index]
        self.few_activation, self.few_weight = self.few_activation[kept], self.few_weight[rows]
        self._label(labels - (labels > index).long(), entries)

    def rename_category(self, name: str, new: str) -> None:
        """Call a few class otherwise.

        Raises:
            UserError: There is no few class ``name``, or one ``new`` already.
        """
        index, entries = self._index(name), self.entries
        if new != name and new in self.names:
            raise UserError(f'there is a class {new!r} already: take another name')
        entries[index]['name'] = new
        self.record = _encode(entries).to(self.record.device)

    def _index(self, name: str) -> int:
        names = self.names
        if name not in names:
            raise UserError(
                f'no added class is called {name!r}{similar(name, names)}; '
                f'added were: {", ".join(names) or "none"}'
            )
        return names.index(name)

    def _checked(self, activations: Tensor, what: str) -> Tensor:
        if activations.ndim != 2 or activations.shape[1] != self.channels:
            raise UserError(
                f'{what} of shape {tuple(activations.shape)}: this head takes (n, {self.channels})'
            )
        if not activations.isfinite().all():
            row = int((~activations.isfinite().all(dim=1)).nonzero()[0])
            raise UserError(f'{what}: row {row} is NaN or infinite')
        return activations.detach().to(self.large_weight)

    def _add(
        self,
        activations: Tensor,
        sources: Sequence[dict[str, Any]] | None,
        entries: list[dict[str, Any]],
        index: int,
    ) -> None:
        name = entries[index]['name']
        activations = self._checked(activations, f'activations of class {name!r}')
        if not len(activations):
            raise UserError(f'class {name!r} has no sample: give one photo at least')
        sources = [{}] * len(activations) if sources is None else sources
        if len(sources) != len(activations):
            raise UserError(
                f'{len(sources)} sources for {len(activations)} samples of class {name!r}'
            )
        entries[index]['samples'] = [*entries[index]['samples'], *sources]
        labels = torch.cat([self.few_label, self.few_label.new_full((len(activations),), index)])
        self.few_activation = torch.cat([self.few_activation, activations])
        if self.few == 'max':
            weights = torch.cat([self.few_weight, self.predictor(activations)])
        else:
            mean = self.few_activation[labels == index].mean(dim=0, keepdim=True)
            before, after = self.few_weight[:index], self.few_weight[index + 1 :]
            weights = torch.cat([before, self.predictor(mean), after])
        self.few_weight = weights
        self._label(labels, entries)

    def _row_labels(self) -> Tensor:
        """Return the class of each row of the few classes' weights."""
        if self.few == 'max':
            return self.few_label
        return torch.arange(len(self.few_weight), device=self.few_label.device)

    def _label(self, labels: Tensor, entries: list[dict[str, Any]]) -> None:
        self.few_label = labels
        self.record = _encode(entries).to(self.record.device)
        self._rows = rows_of_classes(labels, len(entries))

    @torch.no_grad()
    def shape_as(self, state: dict[str, Tensor]) -> None:
        """Give the buffers the shapes of a state dict's, which is loaded next.

        Args:
            state: Of this head, by the names in it; tensors of any shape ``(...)``.
        """
        for name in ('few_activation', 'few_label', 'few_weight', 'record'):
            setattr(self, name, state[name].clone().to(self.large_weight.device))
        self._rows = rows_of_classes(self.few_label, len(self.entries))


def _encode(entries: list[dict[str, Any]]) -> Tensor:
    return torch.tensor(list(json.dumps(entries).encode()), dtype=torch.uint8)
