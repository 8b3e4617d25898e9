"""Rank unlabelled images by how far co-trained views are apart on them: those to label next.

Writes a list for labelled= of mmvisx.SemiSupervised: the images that were labelled and then the
ranked ones, the most disputed first; where the config takes its unlabelled images from a data set
of their own, the ranked ones alone. A page of thumbnails goes beside it, with the divergence among
the views and what each says.

Examples:
    python tools/analysis/label_next.py configs/co_training/two_views_nano_digits.py \
        work_dirs/two_views_nano_digits/epoch_24.pth --count 50 --out work_dirs/next.txt
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmvisx.cli.options import add_config_argument, add_config_options, add_trust_option
from mmvisx.utils import UserError

if TYPE_CHECKING:
    from mmvisx.analysis.co_training_label_next import Disputed

ON_PAGE = 48


def main() -> None:
    """Rank, write and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_argument(parser)
    parser.add_argument('checkpoint', help='of a co-trained model')
    parser.add_argument('--count', type=int, required=True, help='images to label next')
    parser.add_argument('--out', required=True, help='list to write; the page is beside it, .png')
    parser.add_argument(
        '--random', type=int, metavar='SEED', help='draw the images instead, to compare with'
    )
    add_config_options(parser)
    add_trust_option(parser)
    args = parser.parse_args()
    if args.count < 1:
        raise UserError(f'--count {args.count} should be 1 or more')
    import numpy as np

    from mmvisx.analysis import LabelNext
    from mmvisx.apis.build import build_model
    from mmvisx.apis.run import prepare_config
    from mmvisx.models.classifiers import CoTrainingClassifier
    from mmvisx.utils.files import write_text
    from mmvisx.visualization.browse_dataset import to_picture

    cfg = prepare_config(args.config, options=args.cfg_options)
    model = build_model(cfg, args.checkpoint)
    if not isinstance(model, CoTrainingClassifier):
        raise UserError(
            f'{args.config} is of no co-trained model, but of {type(model).__name__}, which has '
            'no views to disagree'
        )
    data, loader = _unlabelled(cfg)
    known, names = data.names()[: data.num_labelled], data.names()[data.num_labelled :]
    if args.count > len(names):
        raise UserError(f'--count {args.count}: only {len(names)} images are unlabelled')
    analysis = LabelNext()
    ranked = analysis.measure(model, loader, names)
    chosen, how = ranked[: args.count], 'that the views disagree on most'
    if args.random is not None:
        drawn = np.random.default_rng(args.random).choice(len(ranked), args.count, replace=False)
        chosen, how = [ranked[place] for place in sorted(drawn)], f'drawn with seed {args.random}'
    has_own = cfg.train_dataloader.dataset.get('unlabelled') is not None
    write_text(args.out, _lines(chosen, how, [] if has_own else list(dict.fromkeys(known))))
    page = chosen[:ON_PAGE]
    pictures = [to_picture(data[data.num_labelled + image.place]['inputs']) for image in page]
    meta = data.metainfo.get('classes')
    drawn_page = analysis.draw(page, pictures, meta, Path(args.out).with_suffix('.png'))
    mean = sum(image.divergence for image in ranked) / len(ranked)
    own = sum(image.divergence for image in chosen) / len(chosen)
    print(f'{len(chosen)} of {len(ranked)}: {own:.3f} nats among the views; all: {mean:.3f}')
    print(f'wrote {args.out} and {drawn_page}')


def _lines(chosen: list[Disputed], how: str, known: list[str]) -> str:
    lines = [f'# {len(known)} labelled images, then {len(chosen)} {how}']
    return '\n'.join([*lines, *known, *(image.name for image in chosen)]) + '\n'


def _unlabelled(cfg: Any) -> tuple[Any, Any]:
    """Return a config's labelled and unlabelled images as in a test, and a loader of the latter.

    Raises:
        UserError: the config has none.
    """
    from mmengine.registry import DATASETS, DefaultScope
    from mmengine.runner import Runner
    from torch.utils.data import Subset

    from mmvisx.apis.build import innermost
    from mmvisx.utils.tasks import task_of

    config = (cfg.get('train_dataloader') or {}).get('dataset') or {}
    if config.get('type') != 'mmvisx.SemiSupervised':
        raise UserError(
            f'{cfg.filename} has no unlabelled images: its train_dataloader.dataset is not '
            'mmvisx.SemiSupervised'
        )
    test = cfg.test_dataloader.to_dict()
    for part in ('dataset', 'unlabelled'):
        if config.get(part) is not None:
            config[part]['pipeline'] = innermost(cfg.test_dataloader.dataset).pipeline
    with DefaultScope.overwrite_default_scope(task_of(cfg).scope):
        data: Any = DATASETS.build(config)
        wanted = Subset(data, range(data.num_labelled, len(data)))
        return data, Runner.build_dataloader(dict(test, dataset=wanted))
