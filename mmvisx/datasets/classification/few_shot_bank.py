"""A folder of activations: what a classifier makes of every image before its last layer."""

from __future__ import annotations

import json
import os
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmvisx.utils.array_file import write_array
from mmvisx.utils.errors import UserError
from mmvisx.utils.files import write_json, write_text

__all__ = [
    'BEGUN',
    'RECORD',
    'ActivationBank',
    'begin_bank',
    'check_fingerprint',
    'class_means',
    'class_spread',
    'complete_bank',
    'write_bank',
]

RECORD = 'bank.json'
BEGUN = ('files.txt', 'labels.npy')
"""What :func:`begin_bank` writes."""
# Rows that are summed at once.
_ROWS = 2048


class ActivationBank:
    """Activations of images, memory-mapped, and their means by class.

    Files of the folder: ``activations.npy`` ``(N, d)`` float16 or float32, ``labels.npy`` ``(N,)``,
    ``means.npy`` ``(K, d)`` float64, ``files.txt`` and ``bank.json`` with the classes and the
    fingerprint of what the activations were made with. :func:`mmvisx.apis.build_bank` makes one.

    Args:
        folder: The folder.
        expected: Fingerprint that it must have (:func:`mmvisx.apis.bank_fingerprint`): by name,
            what it was made with.

    Attributes:
        activations: ``(N, d)``.
        labels: ``(N,)`` int64.
        means: ``(K, d)`` float64, the mean of each class's activations.
        classes: K names.
        files: N paths, relative to the data set's folder where they lie in it.

    Raises:
        UserError: The folder is no complete bank, is damaged, or is of another fingerprint.

    Source: 001, section 2.2.4.1: activations are computed before the experiments.
    """

    def __init__(self, folder: str | Path, expected: Mapping[str, str] | None = None) -> None:
        self.folder = Path(folder)
        self.record = _read_record(self.folder)
        if expected is not None:
            check_fingerprint(self.folder, self.record['fingerprint'], expected)
        self.classes: list[str] = self.record['classes']
        self.activations = np.load(self.folder / 'activations.npy', mmap_mode='r')
        self._file = os.open(self.folder / 'activations.npy', os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)
        self.labels = np.load(self.folder / 'labels.npy')
        self.means = np.load(self.folder / 'means.npy')
        self.files = (self.folder / 'files.txt').read_text(encoding='utf-8').splitlines()
        sizes = {len(self.activations), len(self.labels), len(self.files)}
        if len(sizes) > 1 or len(self.means) != len(self.classes):
            raise UserError(f'{self.folder} is damaged: its files differ in length; build it again')
        self._order = np.argsort(self.labels, kind='stable')
        self._counts = np.bincount(self.labels, minlength=len(self.classes))
        _refuse_empty(self.folder, self.classes, self._counts)
        self._starts = np.cumsum(self._counts) - self._counts

    def __len__(self) -> int:
        return len(self.labels)

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy maps the same file: its content is not copied.
        return type(self), (self.folder,)

    @property
    def channels(self) -> int:
        """Channels of an activation, d."""
        return int(self.activations.shape[1])

    @property
    def spread(self) -> float:
        """Median cosine similarity of images to the mean of their class."""
        kept = self.record.get('spread')  # banks of before this was kept do not have it
        return class_spread(self.activations, self.labels, self.means) if kept is None else kept

    def rows(self, label: int) -> np.ndarray:
        """Return the rows of a class's images, ``(n,)``."""
        start = self._starts[label]
        return self._order[start : start + self._counts[label]]

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Return a row of each class, each of its images as likely, ``(K,)``."""
        place = (rng.random(len(self.classes)) * self._counts).astype(np.int64)
        return self._order[self._starts + place]

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Return the activations of rows, ``(n, d)`` float32."""
        # Not through the memory map: Linux maps up to 2 MiB around each row that is touched, and a
        # long training would hold the whole file.
        found = np.empty((len(rows), self.channels), self.activations.dtype)
        size, start = found.itemsize * self.channels, self.activations.offset
        for place, row in zip(found, rows.tolist(), strict=True):
            os.preadv(self._file, [place], start + row * size)
        return found.astype(np.float32)

    def statistics(self, rng: np.random.Generator, p_mean: float) -> np.ndarray:
        """Return a statistic set: for each class its mean, or one of its activations.

        Args:
            rng: Random numbers.
            p_mean: Probability of the mean, from 0 to 1.

        Returns:
            ``(K, d)`` float32.

        Source: 001, section 2.2.1.
        """
        use_mean = rng.random(len(self.classes)) < p_mean
        found = self.means.astype(np.float32)
        found[~use_mean] = self.read(self.draw(rng)[~use_mean])
        return found


def _refuse_empty(folder: Path, classes: Sequence[str], counts: np.ndarray) -> None:
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        raise UserError(
            f'class {classes[empty[0]]!r} of {folder} has no image '
            f'({len(empty)} such classes): add images or take the class out of the data set'
        )


def class_means(activations: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Return the mean activation of each class, ``(K, d)`` float64; zero of an empty class.

    Args:
        activations: ``(N, d)``, memory-mapped or not.
        labels: ``(N,)``.
        num_classes: K.
    """
    sums = np.zeros((num_classes, activations.shape[1]))
    for start in range(0, len(labels), _ROWS):
        part = slice(start, start + _ROWS)
        np.add.at(sums, labels[part], activations[part].astype(np.float64))
    counts = np.bincount(labels, minlength=num_classes)
    return sums / np.maximum(counts, 1)[:, None]


def class_spread(activations: np.ndarray, labels: np.ndarray, means: np.ndarray) -> float:
    """Return the median cosine similarity of images to the mean of their class.

    Args:
        activations: ``(N, d)``, memory-mapped or not.
        labels: ``(N,)``.
        means: ``(K, d)``.
    """
    found = []
    for start in range(0, len(labels), _ROWS):
        images = activations[start : start + _ROWS].astype(np.float64)
        own = means[labels[start : start + _ROWS]]
        lengths = np.linalg.norm(images, axis=1) * np.linalg.norm(own, axis=1)
        found.append((images * own).sum(axis=1) / np.maximum(lengths, 1e-12))
    return float(np.median(np.concatenate(found)))


def write_bank(
    folder: str | Path,
    activations: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    files: Sequence[str] | None = None,
    fingerprint: Mapping[str, str] | None = None,
) -> ActivationBank:
    """Write activations that were made elsewhere as a bank.

    Args:
        folder: Is made.
        activations: ``(N, d)`` float16 or float32.
        labels: ``(N,)``, from 0.
        classes: K names.
        files: N names; numbers without.
        fingerprint: By name, what they were made with.

    Raises:
        UserError: A class has no activation, one is not finite, or there is a bank already.
    """
    folder = Path(folder)
    if (folder / RECORD).is_file():
        raise UserError(f'{folder} holds a bank already: name another folder')
    if not np.isfinite(activations).all():
        raise UserError(f'activations for {folder} hold NaN or infinity')
    names = [str(i) for i in range(len(labels))] if files is None else files
    record = begin_bank(folder, labels, classes, names, fingerprint or {})
    write_array(folder / 'activations.npy', activations)
    return complete_bank(folder, record)


def begin_bank(
    folder: Path,
    labels: np.ndarray,
    classes: Sequence[str],
    files: Sequence[str],
    fingerprint: Mapping[str, str],
) -> dict[str, Any]:
    """Make the folder of a bank with what is known before its activations.

    Args:
        folder: Is made.
        labels: ``(N,)``, from 0.
        classes: K names.
        files: N names.
        fingerprint: By name, what the activations are made with.

    Returns:
        The record, which is not written: who can go on after an interruption writes it.

    Raises:
        UserError: A class has no image; nothing is written.
    """
    _refuse_empty(folder, classes, np.bincount(labels, minlength=len(classes)))
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / BEGUN[0], '\n'.join(files) + '\n')
    write_array(folder / BEGUN[1], np.asarray(labels, np.int64))
    return dict(
        complete=False,
        done=0,
        total=len(labels),
        classes=list(classes),
        fingerprint=dict(fingerprint),
    )


def complete_bank(folder: Path, record: Mapping[str, Any]) -> ActivationBank:
    """Write what follows from all activations, and the record of a complete bank.

    Args:
        folder: With ``activations.npy``.
        record: Of :func:`begin_bank`.
    """
    activations = np.load(folder / 'activations.npy', mmap_mode='r')
    labels = np.load(folder / 'labels.npy')
    means = class_means(activations, labels, len(record['classes']))
    write_array(folder / 'means.npy', means)
    spread = class_spread(activations, labels, means)
    write_json(folder / RECORD, dict(record, complete=True, done=record['total'], spread=spread))
    return ActivationBank(folder)


def _read_record(folder: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise UserError(
            f'{folder} is no bank of activations ({RECORD}: {type(error).__name__}): make one with '
            'mmvisx few-shot build-bank CONFIG CHECKPOINT --out FOLDER'
        ) from error
    if not record.get('complete'):
        raise UserError(
            f'the bank {folder} is not complete ({record.get("done", 0)} of {record.get("total")} '
            'images): run the command that began it again, it goes on from there'
        )
    return record


def check_fingerprint(
    folder: str | Path, have: Mapping[str, str], expected: Mapping[str, str]
) -> None:
    """Refuse a bank that was made with something else.

    Args:
        folder: Of the bank, for the message.
        have: What it was made with, by name.
        expected: What it should have been made with.

    Raises:
        UserError: They differ; the message says in what.
    """
    changed = [name for name, value in expected.items() if have.get(name) != value]
    if changed:
        raise UserError(
            f'the bank {folder} is stale, it was made with other {" and ".join(changed)}: build it '
            'again in another folder, or delete this one'
        )
