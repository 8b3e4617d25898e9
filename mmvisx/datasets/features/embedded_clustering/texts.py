"""Texts as vectors: weights of the most frequent stems."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import (
    ENGLISH_STOP_WORDS,
    CountVectorizer,
    TfidfTransformer,
)

from mmvisx.utils.errors import UserError

__all__ = ['StemTokens', 'read_texts', 'tf_idf']

_WORD = re.compile(r'\w\w+')
# Words that tell nothing, by language; Reuters' own lists of words come without them.
_STOP = {'english': ENGLISH_STOP_WORDS}


class StemTokens:
    """Return the stems of a text's words: runs of two or more letters or digits, in lower case.

    English texts lose the words of scikit-learn's list (the, and, of, ...) before.

    Args:
        language: Of the stemmer (``snowballstemmer.algorithms()``).

    Raises:
        UserError: There is no such language.
    """

    def __init__(self, language: str = 'english') -> None:
        import snowballstemmer

        if language not in snowballstemmer.algorithms():
            raise UserError(
                f'no stemmer for {language!r}: one of {", ".join(snowballstemmer.algorithms())}'
            )
        self._stem = snowballstemmer.stemmer(language).stemWord
        # A stemmer needs a hundred times as long as a look into a dict.
        self._known: dict[str, str] = {}
        self._stop = _STOP.get(language, frozenset())

    def __call__(self, text: str) -> list[str]:
        """Return the stems in their order."""
        known = self._known
        words = [word for word in _WORD.findall(text.lower()) if word not in self._stop]
        for word in set(words) - known.keys():
            known[word] = self._stem(word)
        return [known[word] for word in words]


def tf_idf(
    texts: Iterable[str], terms: int = 2000, language: str = 'english'
) -> tuple[sparse.csr_array, list[str]]:
    """Return texts as vectors ``(n, d)`` and the d stems, in the alphabet's order.

    A stem's count c in a text becomes ``1 + ln c``, times its ``ln((1 + n) / (1 + texts with it)) +
    1``; then a text's vector has the length ``sqrt(d)``, so that ``|x|^2 / d`` is 1. A text without
    any of the stems stays all zeros.

    Args:
        texts: Are read once.
        terms: The most frequent stems are kept, counted over all texts.
        language: Of :class:`StemTokens`.

    Raises:
        UserError: There is no text, or no word in any.

    Source: 000, section 3.4.1: "tf-idf features on the 2000 most frequently occurring word stems".
    The logarithm of the counts and the length are those of the settings published with it; what
    counts as a word is our choice.
    """
    counter = CountVectorizer(analyzer=StemTokens(language), max_features=terms)
    try:
        counts = counter.fit_transform(texts)
    except ValueError as error:  # scikit-learn's, of an empty vocabulary
        raise UserError('there is no word in the texts, or no text') from error
    weights = sparse.csr_array(TfidfTransformer(sublinear_tf=True).fit_transform(counts))
    weights = (weights * np.sqrt(weights.shape[1])).astype(np.float32)
    return sparse.csr_array(weights), counter.get_feature_names_out().tolist()


def read_texts(
    path: str | Path,
    text: str = 'text',
    label: str | None = 'label',
    only: Collection[str] | None = None,
) -> Iterator[tuple[str, str]]:
    """Yield texts and their labels, '' without, of a file with a JSON object a line.

    Args:
        path: The file; one that ends in ``.gz`` is unpacked.
        text: Key of the text.
        label: Key of the label; ``None``: there is none.
        only: Labels of the texts that are wanted; all without.

    Raises:
        UserError: The file cannot be read, a line is no JSON object or lacks a key, or no text has
            a label that is wanted.
    """
    found = dict.fromkeys(only or (), False)
    for number, line in enumerate(_lines(Path(path)), 1):
        if not line.strip():
            continue
        try:
            entry: Any = json.loads(line)
        except ValueError as error:
            raise UserError(f'{path}, line {number} is no JSON: {error}') from error
        for key in (text, label):
            if key is not None and (not isinstance(entry, dict) or key not in entry):
                keys = ', '.join(entry) if isinstance(entry, dict) else type(entry).__name__
                raise UserError(f'{path}, line {number} has no {key!r}, it has: {keys}')
        name = '' if label is None else str(entry[label])
        if only is None or name in found:
            found[name] = True
            yield str(entry[text]), name
    missing = [name for name, there in found.items() if not there]
    if missing:
        raise UserError(f'{path} has no text of {", ".join(missing)}')


def _lines(path: Path) -> Iterator[str]:
    try:
        opened = gzip.open if path.suffix == '.gz' else open
        with opened(path, 'rt', encoding='utf-8') as file:
            yield from file
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UserError(f'{path} cannot be read: {error}') from error
