"""Teach a classifier new classes from a few photographs, without training.

    python demo/teach_demo.py CONFIG CHECKPOINT --bank banks/train \\
        --add okapi okapi1.jpg okapi2.jpg --add quokka photos/quokka \\
        --predict zoo/ --save taught.pth

The bank holds the activations of the classifier's training images (mmvisx few-shot build-bank). A
checkpoint that was taught before needs none, and goes on from there. Photographs that look like
another class than their own are named.
"""

from __future__ import annotations

import argparse

from mmvisx.cli.options import add_config_argument
from mmvisx.utils import UserError


def main() -> None:
    """Teach, predict, save."""
    parser = argparse.ArgumentParser(description='Teach a classifier new classes')
    add_config_argument(parser)
    parser.add_argument('checkpoint', help='checkpoint of the classifier, or a taught one')
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
    parser.add_argument('--remove', nargs='+', default=[], metavar='NAME')
    parser.add_argument('--rename', nargs=2, action='append', default=[], metavar=('NAME', 'NEW'))
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
    if not (args.add or args.remove or args.rename or args.predict):
        raise UserError('nothing to do: give --add, --remove, --rename or --predict')
    for words in args.add:
        if len(words) < 2:
            raise UserError(f'--add {words[0]}: give a photograph at least')
    if (args.balance or args.refuse_unknown) and not args.bank:
        raise UserError('--balance and --refuse-unknown look at the training images: give --bank')

    from mmvisx.apis.few_shot_teach import TeachableClassifier
    from mmvisx.apis.inference.inputs import list_images

    model = TeachableClassifier(
        args.config,
        args.checkpoint,
        args.bank,
        args.predictor,
        args.few,
        device=args.device,
        show_progress=False,
    )
    for name in args.remove:
        model.remove_category(name)
    for name, new in args.rename:
        model.rename_category(name, new)
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
    for images in args.predict:
        for found, _ in model.stream(images, batch_size=8, skip_unreadable=True):
            best = f'{found["label_names"][0]} ({found["scores"][0]:.2f})'
            shown = best if found.get('known') else 'none of these'
            print(f'{found["img_path"]}: {shown}')
        for _, reason in model.failed:
            print(f'skipped: {reason}')
