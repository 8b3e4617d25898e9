"""Choose which images of a data set are labelled, as many of each class, by a seed.

Writes their names, a line each, for labelled= of mmvisx.SemiSupervised; all other images are
unlabelled there. The list can be published. Images with label maps are of no class, so --count or
--share says how many of all have one.

Examples:
    python tools/datasets/split_labels.py data/cifar10_png/train --per-class 50 --out labels.txt
    python tools/datasets/split_labels.py configs/gunn/gunn15_300e_cifar10.py --per-class 400 \
        --seed 3 --out work_dirs/cifar10_4000_seed3.txt
    python tools/datasets/split_labels.py data/imagenet/train --share 0.1 --out labels.txt
    python tools/datasets/split_labels.py configs/co_training/two_views_nano_shapes.py --count 10 \
        --out work_dirs/shapes_10.txt
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mmvisx.utils import UserError


def main(args: list[str] | None = None) -> None:
    """Choose and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'data', help='folder with a sub-folder for each class, or a config with a train_dataloader'
    )
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument('--per-class', type=int, help='labelled images of each class')
    size.add_argument('--count', type=int, help='labelled images of all, with label maps')
    size.add_argument('--share', type=float, help='labelled share of each class, below 1')
    parser.add_argument('--seed', type=int, default=0, help='of the choice (default: 0)')
    parser.add_argument('--out', required=True, help='list to write')
    options = parser.parse_args(args)
    for name in ('per_class', 'count'):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise UserError(f'--{name.replace("_", "-")} {value} should be 1 or more')
    if options.share is not None and not 0 < options.share < 1:
        raise UserError(f'--share {options.share} should be above 0 and below 1')
    from mmvisx.datasets.classification.class_counts import read_labels
    from mmvisx.datasets.classification.semi_supervised_choice import (
        draw_images,
        has_maps,
        image_names,
        stratified_split,
    )
    from mmvisx.utils.files import write_text

    dataset = build(Path(options.data))
    names = image_names(dataset)
    maps = has_maps(dataset)
    _check_size(options, maps)
    wanted = options.per_class or options.count or options.share
    if maps:
        chosen, of = draw_images(len(names), wanted, options.seed), 'all images'
    else:
        chosen = stratified_split(read_labels(dataset), wanted, options.seed)
        of = 'each class'
    size_text = f'{wanted} of {of}' if wanted >= 1 else f'a share of {wanted} of {of}'
    lines = [f'# {size_text}, seed {options.seed}', *(names[index] for index in chosen)]
    write_text(options.out, '\n'.join(lines) + '\n')
    print(f'{options.out}: {len(chosen)} of {len(names)} images are labelled')


def _check_size(options: argparse.Namespace, maps: bool) -> None:
    if maps and options.per_class:
        raise UserError('--per-class: images with label maps are of no class, give --count')
    if options.count and not maps:
        raise UserError('--count is for images with label maps: give --per-class or --share')


def build(path: Path) -> Any:
    """Return the data set of a folder or config.

    Raises:
        UserError: the config has no training data.
    """
    from mmengine.registry import DefaultScope

    import mmvisx.datasets  # noqa: F401 - registers everything
    from mmvisx.registry import DATASETS
    from mmvisx.utils.config import load_config
    from mmvisx.utils.tasks import task_of

    scope = 'mmpretrain'
    if path.is_dir():
        config: Any = dict(type='mmvisx.ImageFolder', data_prefix=str(path))
    else:
        whole = load_config(path)
        config = (whole.get('train_dataloader') or {}).get('dataset')
        if config is None:
            raise UserError(f'{path} has no train_dataloader with a dataset to choose from')
        if config.type in ('mmvisx.LabelledImages', 'mmvisx.SemiSupervised'):
            config = config.dataset
        scope = task_of(whole).scope
    with DefaultScope.overwrite_default_scope(scope):
        return DATASETS.build(config)
