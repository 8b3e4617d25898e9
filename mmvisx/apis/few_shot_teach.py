"""Teach a trained classifier new classes from a few photographs, and save it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import Tensor

from mmvisx.analysis.few_shot_balance import Balance
from mmvisx.analysis.few_shot_rows import Row, predicted
from mmvisx.analysis.few_shot_unknown import Unknown
from mmvisx.datasets.classification.few_shot_bank import ActivationBank
from mmvisx.models.heads.few_shot_predicted import PredictedHead
from mmvisx.models.layers import ParameterPredictor
from mmvisx.ops.few_shot import unit_length
from mmvisx.surgery.few_shot import KEY, taught_entry, teach_head
from mmvisx.utils.checkpoint import read_checkpoint
from mmvisx.utils.config.in_checkpoint import config_in
from mmvisx.utils.errors import UserError

from .few_shot_bank import activations_of, classifier_fingerprint
from .few_shot_predictors import large_weights, load_predictor
from .few_shot_teachable import Photo, Teachable, source_of
from .inference import ClassificationInferencer

__all__ = ['TeachableClassifier']


class TeachableClassifier(Teachable, ClassificationInferencer):
    """A classifier that predicts, and learns classes while it runs.

    One that was taught before goes on from there; another one is given ``bank``, and
    ``predictor``, else cosine similarity to the class means (an untrained ``phi^1``)::

        model = TeachableClassifier('resnet50.py', 'resnet50.pth', bank='banks/imagenet900')
        model.add_photos('okapi', ['a.jpg', 'b.jpg'])
        model(['zoo.jpg'])
        model.save('with_okapi.pth')

    Args:
        config: Of the classifier; ``None`` takes it out of the checkpoint.
        checkpoint: Its weights, or those of a taught one.
        bank: Bank of the training images, with the same weights.
        predictor: Checkpoint of a predictor's training; ``None``: an untrained ``phi^1``.
        few: See :class:`mmvisx.PredictedHead`.
        expectation: See :func:`large_weights`.
        p_mean: See :func:`large_weights`.
        **options: Of :class:`mmvisx.apis.ClassificationInferencer`.

    Raises:
        UserError: Neither ``bank`` nor a taught checkpoint is given, or the bank is of other
            weights, another test pipeline, other classes or another width.

    Source: 001, section 2.2.2 and Figure 2-4a.
    """

    def __init__(
        self,
        config: Photo | Config | None,
        checkpoint: Photo,
        bank: Photo | None = None,
        predictor: Photo | None = None,
        few: str = 'max',
        expectation: str = 'inside',
        p_mean: float = 0.9,
        **options: Any,
    ) -> None:
        if config is None:
            config = config_in(read_checkpoint(checkpoint), checkpoint)
        super().__init__(config, checkpoint, **options)
        if isinstance(self.model.head, PredictedHead):
            return
        if bank is None:
            raise UserError(
                f'{checkpoint} was not taught yet: give the bank of its training images '
                '(mmvisx few-shot build-bank CONFIG CHECKPOINT --out FOLDER)'
            )
        source = self._bank(bank)
        known = self.classes
        if known is not None and len(known) != len(source.classes):
            raise UserError(
                f'bank {bank} has {len(source.classes)} classes, the classifier {len(known)}: '
                'build the bank from the data that it was trained on'
            )
        mapping = load_predictor(predictor) if predictor else ParameterPredictor(source.channels, 1)
        weights = large_weights(mapping, source, expectation, p_mean)
        config_of = dict(
            type='mmvisx.ParameterPredictor', channels=source.channels, depth=len(mapping.layers)
        )
        head = teach_head(self.model, config_of, len(source.classes), few)
        head.predictor.load_state_dict(mapping.state_dict())
        head.set_large(torch.from_numpy(source.means).to(self.device), weights)
        head.large_spread.fill_(source.spread)
        self.model.dataset_meta = dict(self.model.dataset_meta, classes=tuple(source.classes))

    @property
    def head(self) -> PredictedHead:
        """The head with the classes."""
        head: PredictedHead = self.model.head
        return head

    def entry(self) -> tuple[str, dict[str, Any]]:
        """Return the key of the architecture, and what a checkpoint says for it."""
        return KEY, taught_entry(self.head)

    @torch.no_grad()
    def activations(self, photos: Sequence[Photo]) -> Tensor:
        """Return the activations of photographs, ``(n, d)``.

        Raises:
            UserError: One cannot be read.
        """
        found = []
        for photo in photos:
            sample = self._read(str(photo), str(photo), drawn=False)
            found.append(activations_of(self.model, pseudo_collate([sample.data])))
        return torch.cat(found) if found else torch.zeros(0, self.head.channels)

    def add_photos(self, name: str, photos: Sequence[Photo]) -> list[str]:
        """Add a class, or photographs to one that was added.

        Returns:
            A line for each photograph that looks like another class (:meth:`doubts`).

        Args:
            name: Of the class.
            photos: Image files.

        Raises:
            UserError: There is no photo, one cannot be read, is given twice or known already, or
                the name is that of a class with many images; nothing is added then.
        """
        sources = [source_of(photo) for photo in photos]
        self._check(name, sources)
        self._add(name, self.activations(photos), sources)
        return self.doubts(name)

    def doubts(self, name: str) -> list[str]:
        """Return a line for each photograph of an added class that resembles another one more.

        A photograph is compared, by cosine similarity, with the mean of its siblings and with the
        means of all other classes; one without siblings with the spread of the large classes:
        half of their images are less like their class than it is like one of them.
        """
        own = self.head.few_label == self.head.names.index(name)
        activations = unit_length(self.head.few_activation)
        means = [activations[self.head.few_label == k] for k in range(len(self.head.names))]
        others = torch.cat(
            [unit_length(self.head.large_mean), *(unit_length(m.mean(0, True)) for m in means)]
        )
        index = self.head.num_large + self.head.names.index(name)
        samples = self.head.entries[self.head.names.index(name)]['samples']
        lines = []
        for k, photo in enumerate(activations[own]):
            alike = others @ photo
            alike[index] = -1
            siblings = torch.cat([activations[own][:k], activations[own][k + 1 :]])
            bound = self.head.large_spread
            if len(siblings):
                bound = unit_length(siblings.mean(dim=0)) @ photo
            best = int(alike.argmax())
            if alike[best] > bound:
                file = samples[k].get('file', f'sample {k}')
                than = 'its siblings' if len(siblings) else 'most of its own photographs are'
                lines.append(f'{file} of {name!r} looks more like {self._name(best)!r} than {than}')
        return lines

    def _name(self, index: int) -> str:
        return str((self.classes or range(self.head.num_classes))[index])

    def describe(self, sample: Any, options: dict[str, Any]) -> dict[str, Any]:
        """Return labels, names and scores, and whether the image shows one of the classes."""
        found = super().describe(sample, options)
        found['known'] = bool(sample.get('known', True))
        return found

    def balance(self, bank: Photo) -> float:
        """Choose and set the offset of the added classes (:class:`mmvisx.analysis.Balance`).

        Args:
            bank: Of the large classes' training images.

        Raises:
            UserError: The bank is of other weights or of another test pipeline.
        """
        shots = min((len(entry['samples']) for entry in self.head.entries), default=1)
        curve = Balance(shots=shots).measure(self._bank(bank), self._row())
        self.head.offset.fill_(curve.best)
        return curve.best

    def refuse_unknown(self, bank: Photo) -> str:
        """Choose and set the threshold of "none of these" (:class:`mmvisx.analysis.Unknown`).

        Args:
            bank: Of the large classes' training images.

        Raises:
            UserError: The bank is of other weights or of another test pipeline.
        """
        analysis = Unknown()
        result = analysis.measure(self._bank(bank), self._row())
        self.head.threshold.fill_(result.threshold)
        return analysis.draw(result)

    def _bank(self, folder: Photo) -> ActivationBank:
        return ActivationBank(folder, classifier_fingerprint(self.model, self.cfg))

    def _row(self) -> Row:
        return predicted(copy.deepcopy(self.head.predictor).cpu(), self.head.few)
