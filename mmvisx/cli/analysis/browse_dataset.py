"""Draw training samples after the pipeline into PNG files: boxes, masks or images with a class.

    python tools/analysis/browse_dataset.py CONFIG --count 20 --out-dir outputs/browse

Behind a class stands the weight of its box, below a mixed image lambda and its partner (mixup, 000,
section 5.3.1).
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmvisx.cli.options import (
    add_classes_option,
    add_config_argument,
    add_config_options,
    add_outside_option,
)
from mmvisx.utils import UserError


def browse(
    cfg: Any, count: int, split: str = 'train', seed: int = 0, start: int = 0
) -> Iterator[tuple[str, Any]]:
    """Yield names and pictures of samples of a config's data set, as its task draws them.

    Args:
        count: Of samples.
        split: ``'train'``, ``'val'`` or ``'test'``.
        seed: Of the random numbers of the pipeline.
        start: Index of the first sample.

    Raises:
        UserError: The config has no such split or no such sample, or its task no such pictures.
    """
    from mmvisx.analysis.dataset_samples import DatasetSamples
    from mmvisx.apis.build import build_dataset
    from mmvisx.utils.tasks import task_of

    analysis = DatasetSamples(task_of(cfg).need('sample_picture', 'browsing'), seed)
    dataset = build_dataset(cfg, split)
    for name, data in analysis.measure(dataset, count, start):
        yield name, analysis.draw(data, dataset.metainfo)


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description='Draw samples of a data set')
    add_config_argument(parser)
    parser.add_argument('--out-dir', default='outputs/browse', help='folder for the pictures')
    parser.add_argument('--count', type=int, default=16, help='number of samples')
    parser.add_argument('--start', type=int, default=0, help='index of the first sample')
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train')
    parser.add_argument('--seed', type=int, default=0, help='of the random augmentation')
    add_classes_option(parser)
    add_config_options(parser)
    add_outside_option(parser)
    args = parser.parse_args()
    if args.count < 1:
        raise UserError(f'--count {args.count} should be at least 1')
    import mmcv
    from mmdet.utils import register_all_modules

    from mmvisx.apis.run import prepare_config
    from mmvisx.utils.config.classes import read_classes, set_classes
    from mmvisx.utils.progress import progress

    register_all_modules(init_default_scope=False)
    cfg = prepare_config(args.config, options=args.cfg_options)
    if args.classes:
        set_classes(cfg, read_classes(args.classes))
    written = 0
    samples = browse(cfg, args.count, args.split, args.seed, args.start)
    for name, picture in progress(samples, 'drawing', 'image', args.count):
        mmcv.imwrite(picture[..., ::-1], str(Path(args.out_dir) / name))
        written += 1
    print(f'wrote {written} pictures into {args.out_dir}')
