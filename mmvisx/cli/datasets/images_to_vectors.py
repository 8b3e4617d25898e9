"""Turn a folder of pictures into points for clustering: pixels, gradients or a network's features.

Writes vectors.npy, files.txt, labels.txt where all pictures lie in two or more class folders, and
skipped.txt with the pictures that are broken. The data set that reads them is mmvisx.VectorDataset.

Examples:
    mmvisx dataset images-to-vectors photos --out data/photos
    mmvisx dataset images-to-vectors data/mnist_png/test --as pixels --grey --out data/digits
    mmvisx dataset images-to-vectors photos --as backbone --out data/photos \
        --config configs/bag_of_tricks/resnet50_d_cosine_imagenet.py --checkpoint resnet50_d.pth
"""

from __future__ import annotations

import argparse
from typing import Any

from mmvisx.cli.options import add_config_options, add_trust_option
from mmvisx.utils import UserError

KINDS = ('hog-colour', 'pixels', 'backbone')


def main(args: list[str] | None = None) -> None:
    """Read and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('folder', help='folder of pictures, with or without class folders')
    parser.add_argument('--out', required=True, help='folder to make')
    parser.add_argument(
        '--as', dest='kind', default=KINDS[0], choices=KINDS, help=f'default: {KINDS[0]}'
    )
    parser.add_argument(
        '--size', type=int, help='side that pictures are resized to (hog-colour: 96 by default)'
    )
    parser.add_argument('--grey', action='store_true', help='pixels: brightness only')
    parser.add_argument(
        '--unit', action='store_true', help='scale so that the mean of |x|^2 / d is 1'
    )
    parser.add_argument('--config', help='backbone: of the network')
    parser.add_argument('--checkpoint', help='backbone: its weights')
    add_trust_option(parser)
    parser.add_argument('--device', help='backbone: cpu, cuda:0, ...; a GPU if there is one')
    add_config_options(parser)
    options = parser.parse_args(args)
    check(options)

    from mmvisx.datasets.features.embedded_clustering.images import list_pictures
    from mmvisx.datasets.features.embedded_clustering.write import unit_factor, write_vectors

    files, labels = list_pictures(options.folder)
    vectors, kept, skipped = describe(options, files)
    if options.unit:
        vectors = (vectors * unit_factor(vectors)).astype('float32')
    path = write_vectors(
        options.out,
        vectors,
        labels=None if labels is None else [labels[place] for place in kept],
        files=[str(files[place].relative_to(options.folder)) for place in kept],
        skipped=skipped,
    )
    print(f'{path}: {vectors.shape[0]} pictures, {vectors.shape[1]} values each')
    if skipped:
        print(f'{len(skipped)} broken pictures were skipped: {path.parent / "skipped.txt"}')


def check(options: argparse.Namespace) -> None:
    """Refuse options that do not fit together.

    Raises:
        UserError: They do not.
    """
    if options.kind == 'backbone' and options.config is None:
        raise UserError('--as backbone needs the --config of the network')
    if options.kind != 'backbone' and (options.config or options.checkpoint):
        raise UserError(f'--as {options.kind} needs no network: --as backbone does')
    if options.kind == 'backbone' and (options.size or options.grey):
        raise UserError("--as backbone takes the config's pipeline: leave --size and --grey out")
    if options.size is not None and options.size < (24 if options.kind == 'hog-colour' else 1):
        raise UserError(f'--size {options.size} is too small: hog-colour needs 24, pixels 1')


def describe(options: argparse.Namespace, files: list[Any]) -> tuple[Any, list[int], list[str]]:
    """Return vectors ``(n, d)``, their places among the files, and what was skipped."""
    from functools import partial

    from mmvisx.datasets.features.embedded_clustering.hog import hog_colour
    from mmvisx.datasets.features.embedded_clustering.images import picture_vectors, pixels
    from mmvisx.utils.progress import progress

    shown = progress(files, 'reading pictures', total=len(files))
    if options.kind == 'hog-colour':
        return picture_vectors(shown, hog_colour, options.size or 96)
    if options.kind == 'pixels':
        return picture_vectors(shown, partial(pixels, grey=options.grey), options.size)
    import torch

    from mmvisx.apis.embedded_clustering.features import backbone_vectors
    from mmvisx.apis.run import prepare_config

    cfg = prepare_config(options.config, options=options.cfg_options)
    device = options.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    return backbone_vectors(cfg, options.checkpoint, shown, device)
