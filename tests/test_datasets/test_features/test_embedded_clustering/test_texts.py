import gzip
import json
import math

import numpy as np
import pytest

from mmvisx.datasets import VectorDataset
from mmvisx.datasets.features.embedded_clustering.texts import StemTokens, read_texts, tf_idf
from mmvisx.datasets.features.embedded_clustering.write import write_vectors
from mmvisx.utils.errors import UserError

TEXTS = [
    'Running runs run, RAN!',
    'The banks banked 100 banking banks on running',
    'a B c 7',  # no word of two letters
    'gold gold gold and banks',
]


def test_stems():
    stems = StemTokens()
    assert stems('Running: the runs, and RUN 42 a connections') == [
        'run', 'run', 'run', '42', 'connect'
    ]  # fmt: skip
    assert StemTokens('german')('the Häuser') == ['the', 'haus']
    with pytest.raises(UserError, match="no stemmer for 'klingon': one of arabic"):
        StemTokens('klingon')


def test_weights_by_hand():
    vectors, terms = tf_idf(TEXTS, terms=3)
    # Counts over all texts: bank 5 (banks, banked, banking, banks; banks), run 4, gold 3
    assert terms == ['bank', 'gold', 'run']
    idf = dict(bank=2, gold=1, run=2)  # texts with each, of 4
    idf = {term: math.log(5 / (1 + n)) + 1 for term, n in idf.items()}
    counts = [dict(run=3), dict(bank=4, run=1), {}, dict(gold=3, bank=1)]
    for row, found in zip(counts, vectors.toarray(), strict=True):
        wanted = [(1 + math.log(row[t])) * idf[t] if t in row else 0 for t in terms]
        length = math.sqrt(sum(w * w for w in wanted)) or 1
        np.testing.assert_allclose(found, [w / length * math.sqrt(3) for w in wanted], rtol=1e-6)


def test_length_is_the_root_of_the_terms():
    vectors, terms = tf_idf(TEXTS, terms=2000)
    squares = (vectors.toarray() ** 2).sum(axis=1) / len(terms)
    np.testing.assert_allclose(squares, [1, 1, 0, 1], rtol=1e-5)
    assert vectors.dtype == np.float32


def test_texts_without_terms_are_warned_of(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(
        'mmvisx.datasets.features.embedded_clustering.checks.print_log',
        lambda text, *args: said.append(text),
    )
    path = write_vectors(tmp_path, tf_idf(TEXTS)[0], ['a', 'b', 'a', 'a'])
    dataset = VectorDataset(str(path), str(tmp_path / 'labels.txt'))
    assert dataset.labels.tolist() == [0, 1, 0, 0]
    assert any('1 of 4 points are all zeros (rows 2)' in text for text in said)


@pytest.mark.parametrize('texts', [[], ['1 2 3', '']])
def test_no_words(texts):
    with pytest.raises(UserError, match='there is no word in the texts, or no text'):
        tf_idf(texts)


def lines(tmp_path, *entries, name='texts.jsonl'):
    text = '\n'.join(e if isinstance(e, str) else json.dumps(e) for e in entries) + '\n\n'
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith('.gz') else text.encode())
    return path


@pytest.mark.parametrize('name', ['texts.jsonl', 'texts.jsonl.gz'])
def test_reading(tmp_path, name):
    entries = [dict(text='a b', topic='x'), dict(text='c', topic='y'), dict(text='d', topic='x')]
    path = lines(tmp_path, *entries, name=name)
    assert list(read_texts(path, label='topic')) == [('a b', 'x'), ('c', 'y'), ('d', 'x')]
    assert list(read_texts(path, label='topic', only=['x'])) == [('a b', 'x'), ('d', 'x')]
    assert list(read_texts(path, label=None)) == [('a b', ''), ('c', ''), ('d', '')]
    with pytest.raises(UserError, match='has no text of z'):
        list(read_texts(path, label='topic', only=['x', 'z']))


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('{"text": ', 'line 2 is no JSON'),
        ('{"body": "a", "label": "b"}', "line 2 has no 'text', it has: body, label"),
        ('{"text": "a"}', "line 2 has no 'label', it has: text"),
        ('[1]', "line 2 has no 'text', it has: list"),
    ],
)
def test_bad_lines(tmp_path, line, message):
    path = lines(tmp_path, dict(text='a', label='b'), line)
    with pytest.raises(UserError, match=message):
        list(read_texts(path))


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(UserError, match=r'none\.jsonl cannot be read'):
        list(read_texts(tmp_path / 'none.jsonl'))
    path = lines(tmp_path, dict(text='a', label='b'), name='a.gz')
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match=r'a\.gz cannot be read'):
        list(read_texts(path))
