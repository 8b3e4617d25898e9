"""Teach a detector new classes from a few boxes, without training.

    mmvisx few-shot teach-boxes CONFIG CHECKPOINT --bank banks/boxes \\
        --add new_boxes.json photos/ --predict zoo/ --save taught.pth
    mmvisx few-shot teach-boxes taught.pth --predict zoo/

new_boxes.json is a COCO annotation file: each of its categories is a new class, or gives boxes to
one that was added. --boxes takes the first so many of each. The bank holds the activations of the
detector's training boxes (mmvisx few-shot build-box-bank); a checkpoint that was taught before
needs none, and goes on from there.
"""

from __future__ import annotations

import argparse

from mmvisx.cli.few_shot.options import (
    add_category_changes,
    add_model_arguments,
    change_categories,
    check_something_to_do,
    model_arguments,
)
from mmvisx.cli.options import add_trust_option


def main() -> None:
    """Teach, predict, save."""
    parser = argparse.ArgumentParser(description='Teach a detector new classes')
    add_model_arguments(parser)
    add_trust_option(parser)
    parser.add_argument('--bank', help='bank of its training boxes')
    parser.add_argument('--depth', type=int, default=1, help='layers of the predictor; 1')
    parser.add_argument('--few', default='mean', choices=('max', 'mean'))
    parser.add_argument(
        '--add',
        nargs=2,
        action='append',
        default=[],
        metavar=('FILE', 'FOLDER'),
        help='COCO annotations of new classes, and the folder of the images',
    )
    parser.add_argument('--boxes', type=int, help='the first so many boxes of each class; all')
    add_category_changes(parser)
    parser.add_argument('--predict', nargs='*', default=[], help='images or folders')
    parser.add_argument('--out', default='outputs', help='folder for the drawn predictions')
    parser.add_argument('--save', help='checkpoint to write')
    parser.add_argument('--device', help='cpu, cuda:0, ...; a GPU if there is one by default')
    args = parser.parse_args()
    check_something_to_do(args)

    from mmvisx.apis.few_shot_detector import TeachableDetector
    from mmvisx.datasets.detection.few_shot_split import boxes_by_class

    model = TeachableDetector(
        *model_arguments(args),
        args.bank,
        args.depth,
        args.few,
        device=args.device,
        show_progress=False,
    )
    change_categories(model, args)
    for file, folder in args.add:
        for name, boxes in boxes_by_class(file, folder).items():
            chosen = boxes[: args.boxes]
            model.add_boxes(name, chosen)
            print(f'{name}: {len(chosen)} boxes; {len(model.classes)} classes now')
    if args.save:
        model.save(args.save)
        print(f'wrote {args.save}')
    for images in args.predict:
        for found, _ in model.stream(images, out_dir=args.out, skip_unreadable=True):
            names = zip(found['label_names'], found['scores'], strict=True)
            shown = ', '.join(f'{name} ({score:.2f})' for name, score in names if score >= 0.3)
            print(f'{found["img_path"]}: {shown or "nothing"}')
        for _, reason in model.failed:
            print(f'skipped: {reason}')
