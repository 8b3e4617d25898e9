"""What a classifier and a detector that learn classes while they run have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import Tensor

from mmvisx.models.heads.few_shot_predicted import PredictedHead
from mmvisx.utils.architecture import keep_entry
from mmvisx.utils.checkpoint_file import write_checkpoint
from mmvisx.utils.errors import UserError

__all__ = ['Photo', 'Teachable', 'source_of']

Photo = str | Path


class Teachable:
    """Classes that come, go and are renamed, by their names, and a checkpoint with them.

    Stands in front of an inferencer, which has the network.
    """

    model: Any
    cfg: Config

    @property
    def head(self) -> PredictedHead:
        """What holds the added classes."""
        raise NotImplementedError

    def entry(self) -> tuple[str, dict[str, Any]]:
        """Return the key of the architecture, and what a checkpoint says for it."""
        raise NotImplementedError

    def remove_category(self, name: str) -> None:
        """Take an added class out (:meth:`mmvisx.PredictedHead.remove_category`)."""
        self.head.remove_category(name)
        self._name_classes()

    def rename_category(self, name: str, new: str) -> None:
        """Call an added class otherwise.

        Raises:
            UserError: There is no added class ``name``, or a class ``new`` already.
        """
        if new in self._large_names():
            raise UserError(f'there is a class {new!r} already: take another name')
        self.head.rename_category(name, new)
        self._name_classes()

    def save(self, path: Photo) -> None:
        """Write a checkpoint, which loads with the config of the network, or alone: it holds it.

        Raises:
            UserError: The file cannot be written; one of that name stays as it was.
        """
        meta = dict(cfg=self.cfg.pretty_text, dataset_meta=dict(classes=self._names()))
        checkpoint: dict[str, Any] = dict(state_dict=self.model.state_dict(), meta=meta)
        keep_entry(checkpoint, *self.entry())
        write_checkpoint(checkpoint, path)

    def _check(self, name: str, sources: Sequence[dict[str, Any]]) -> None:
        """Refuse samples of a large class, and those that are given twice or known."""
        if name in self._large_names():
            raise UserError(f'{name!r} is a class that was trained: take another name')
        seen = {
            _key(sample): f'{sample["file"]} of class {entry["name"]!r}'
            for entry in self.head.entries
            for sample in entry['samples']
            if 'sha256' in sample
        }
        for source in sources:
            key = _key(source)
            if key in seen:
                what = f'box {source["box"]} of ' if 'box' in source else 'photo '
                raise UserError(
                    f'{what}{source["file"]} is given twice, it is the same file as {seen[key]}: '
                    'give each once'
                )
            seen[key] = source['file']

    def _add(self, name: str, activations: Tensor, sources: Sequence[dict[str, Any]]) -> None:
        """Add a class, or samples ``(n, d)`` to one that was added."""
        add = self.head.add_samples if name in self.head.names else self.head.add_category
        add(name, activations, sources)
        self._name_classes()

    def _large_names(self) -> list[str]:
        known = self.model.dataset_meta.get('classes') or map(str, range(self.head.num_large))
        return list(known)[: self.head.num_large]

    def _names(self) -> tuple[str, ...]:
        return (*self._large_names(), *self.head.names)

    def _name_classes(self) -> None:
        self.model.dataset_meta = dict(self.model.dataset_meta, classes=self._names())


def source_of(photo: Photo) -> dict[str, Any]:
    """Return ``file``, ``sha256`` and ``date`` of a photograph.

    Raises:
        UserError: It does not exist.
    """
    path = Path(photo)
    if not path.is_file():
        raise UserError(f'photo {photo} does not exist')
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return dict(file=path.name, sha256=digest, date=date.today().isoformat())


def _key(source: dict[str, Any]) -> tuple[Any, ...]:
    return (source['sha256'], *source.get('box', ()))
