"""Teach a classifier new classes from a few photographs, without training.

    python demo/teach_demo.py CONFIG CHECKPOINT --bank banks/train \\
        --add okapi okapi1.jpg okapi2.jpg --add quokka photos/quokka \\
        --predict zoo/ --save taught.pth
    python demo/teach_demo.py taught.pth --add zebra photos/zebra --predict zoo/

The bank holds the activations of the classifier's training images (mmvisx few-shot build-bank). A
checkpoint that was taught before needs none, and goes on from there; checkpoints of trainings and
taught ones hold their config. Photographs that look like
another class than their own are named.
"""

from __future__ import annotations

import argparse
import sys

from mmvisx.cli.few_shot.options import (
    add_category_changes,
    add_model_arguments,
    change_categories,
    check_something_to_do,
    model_arguments,
)
from mmvisx.cli.options import add_trust_option
from mmvisx.utils import UserError


def main() -> int:
    """Teach, predict, save; returns 1 when an image could not be read."""
    parser = argparse.ArgumentParser(description='Teach a classifier new classes')
    add_model_arguments(parser)
    add_trust_option(parser)
    parser.add_argument('--bank', help='bank of its training images')
    parser.add_argument('--predictor', help="checkpoint of a predictor's training")
    parser.add_argument('--few', default='max', choices=('max', 'mean'))
    parser.add_argument(
        '--add',
        nargs='+',
        action='append',
        default=[],
        metavar=('NAME', 'PHOTO'),
        help='a class and its photographs, or a folder of them; several times for several',
    )
    add_category_changes(parser)
    parser.add_argument(
        '--balance',
        action='store_true',
        help='choose an offset of the new classes on large ones that are treated as new (needs '
        '--bank)',
    )
    parser.add_argument(
        '--refuse-unknown',
        action='store_true',
        help='say "none of these" of images that resemble no class (needs --bank)',
    )
    parser.add_argument('--predict', nargs='*', default=[], help='images or folders')
    parser.add_argument('--save', help='checkpoint to write')
    parser.add_argument('--device', help='cpu, cuda:0, ...; a GPU if there is one by default')
    args = parser.parse_args()
    check_something_to_do(args)
    for words in args.add:
        if len(words) < 2:
            raise UserError(f'--add {words[0]}: give a photograph at least')
    if (args.balance or args.refuse_unknown) and not args.bank:
        raise UserError('--balance and --refuse-unknown look at the training images: give --bank')

    from mmvisx.utils.screen import quiet_screen

    with quiet_screen():
        return _teach(args)


def _teach(args: argparse.Namespace) -> int:
    from mmvisx.apis.few_shot_teach import TeachableClassifier
    from mmvisx.apis.inference.inputs import list_images

    model = TeachableClassifier(
        *model_arguments(args),
        args.bank,
        args.predictor,
        args.few,
        device=args.device,
        show_progress=False,
    )
    change_categories(model, args)
    for name, *photos in args.add:
        files = [file for photo in photos for file in list_images(photo)]
        for line in model.add_photos(name, files):
            print(f'look at this: {line}')
        print(f'{name}: {len(files)} photographs; {len(model.classes)} classes now')
    if args.balance:
        print(f'offset of the new classes: {model.balance(args.bank):+.3f}')
    if args.refuse_unknown:
        print(model.refuse_unknown(args.bank))
    if args.save:
        model.save(args.save)
        print(f'wrote {args.save}')
    unread = 0
    for images in args.predict:
        for found, _ in model.stream(images, batch_size=8, skip_unreadable=True):
            best = f'{found["label_names"][0]} ({found["scores"][0]:.2f})'
            shown = best if found.get('known') else 'none of these'
            print(f'{found["img_path"]}: {shown}')
        for _, reason in model.failed:
            print(f'skipped: {reason}', file=sys.stderr)
        unread += len(model.failed)
    return int(unread > 0)
