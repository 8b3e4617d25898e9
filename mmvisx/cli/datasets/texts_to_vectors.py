"""Turn texts into points for clustering: tf-idf of the most frequent stems, as a sparse matrix.

The file has a JSON object a line. Writes vectors.npz, terms.txt with the stems and labels.txt. The
data set that reads them is mmvisx.VectorDataset.

Examples:
    mmvisx dataset texts-to-vectors articles.jsonl.gz --label topic --out data/articles
    mmvisx dataset texts-to-vectors articles.jsonl.gz --label topic --only earn acq crude trade \
        --out data/articles4
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from mmvisx.utils import UserError


def main(args: list[str] | None = None) -> None:
    """Read and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('file', help='texts, a JSON object a line; .gz or not')
    parser.add_argument('--out', required=True, help='folder to make')
    parser.add_argument('--text', default='text', help='key of the text (default: text)')
    parser.add_argument('--label', help='key of the label; without, there are none')
    parser.add_argument('--only', nargs='+', help='labels of the texts that are wanted')
    parser.add_argument('--terms', type=int, default=2000, help='stems (default: 2000)')
    parser.add_argument('--language', default='english', help='of the stems (default: english)')
    options = parser.parse_args(args)
    if options.terms < 1:
        raise UserError(f'--terms {options.terms} should be 1 or more')
    if options.only and options.label is None:
        raise UserError('--only needs --label, the key of the label')
    from mmvisx.datasets.features.embedded_clustering.texts import read_texts, tf_idf
    from mmvisx.datasets.features.embedded_clustering.write import write_vectors
    from mmvisx.utils.progress import progress

    pairs = read_texts(options.file, options.text, options.label, options.only)
    labels: list[str] = []

    def texts() -> Iterator[str]:
        for text, label in progress(pairs, 'reading texts', 'text'):
            labels.append(label)
            yield text

    vectors, terms = tf_idf(texts(), options.terms, options.language)
    path = write_vectors(
        options.out, vectors, None if options.label is None else labels, terms=terms
    )
    print(f'{path}: {vectors.shape[0]} texts, {vectors.shape[1]} stems, {vectors.nnz} values')
    empty = int((vectors.count_nonzero(axis=1) == 0).sum())
    if empty:
        print(f'{empty} texts have none of the stems: their rows are zeros')
