"""Turn STL-10's binaries into points for clustering: gradients and colours, 1,428 values each.

Writes vectors.npy and labels.txt of the 13,000 labelled pictures (train_X.bin, then test_X.bin)
and, where unlabeled_X.bin lies beside them, unlabelled.npy, which autoencoders are trained on, too.

Example:
    mmvisx dataset stl10-to-vectors data/stl10_binary --out data/stl10_hog
"""

from __future__ import annotations

import argparse
from pathlib import Path


def main(args: list[str] | None = None) -> None:
    """Read and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('folder', help='folder stl10_binary')
    parser.add_argument('--out', required=True, help='folder to make')
    parser.add_argument(
        '--unit', action='store_true', help='scale so that the mean of |x|^2 / d is 1'
    )
    options = parser.parse_args(args)
    import numpy as np

    from mmvisx.datasets.features.embedded_clustering.hog import hog_colour
    from mmvisx.datasets.features.embedded_clustering.images import (
        read_stl_images,
        read_stl_labels,
    )
    from mmvisx.datasets.features.embedded_clustering.write import unit_factor, write_vectors
    from mmvisx.utils.progress import progress

    folder = Path(options.folder)

    def vectors_of(part: str) -> np.ndarray:
        images = read_stl_images(folder / f'{part}_X.bin')
        shown = progress(images, f'reading {part}_X.bin', 'picture')
        return np.stack([hog_colour(np.ascontiguousarray(image)) for image in shown])

    parts = [vectors_of(part) for part in ('train', 'test')]
    labels = [
        read_stl_labels(folder / f'{name}_y.bin', len(part))
        for name, part in zip(('train', 'test'), parts, strict=True)
    ]
    names = folder / 'class_names.txt'
    classes = names.read_text().split() if names.is_file() else [str(k) for k in range(10)]
    vectors = np.concatenate(parts)
    factor = unit_factor(vectors) if options.unit else 1.0
    path = write_vectors(
        options.out,
        vectors * np.float32(factor),
        [classes[label] for label in np.concatenate(labels)],
    )
    print(f'{path}: {vectors.shape[0]} pictures, {vectors.shape[1]} values each')
    if (folder / 'unlabeled_X.bin').is_file():
        others = vectors_of('unlabeled')
        path = write_vectors(options.out, others * np.float32(factor), name='unlabelled')
        print(f'{path}: {len(others)} pictures without labels')
