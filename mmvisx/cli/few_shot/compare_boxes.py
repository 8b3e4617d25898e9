"""Compare what a detector finds of classes that it was taught from a few boxes.

    mmvisx few-shot compare-boxes CONFIG CHECKPOINT --bank banks/boxes \\
        --add annotations/instances_train_only_crescent.json data/shapes/coco/train --draws 3

AP50 of the new classes, and the mean AP50 of the old ones, on the test data of the config.
"""

from __future__ import annotations

import argparse

from mmvisx.cli.options import add_config_argument


def main() -> None:
    """Measure, print a table."""
    parser = argparse.ArgumentParser(description='Compare detectors that were taught')
    add_config_argument(parser)
    parser.add_argument('checkpoint', help='checkpoint of the detector')
    parser.add_argument('--bank', required=True, help='bank of its training boxes')
    parser.add_argument(
        '--add',
        nargs=2,
        required=True,
        metavar=('FILE', 'FOLDER'),
        help='COCO annotations of new classes, and the folder of the images',
    )
    parser.add_argument('--few', default='mean', choices=('max', 'mean'))
    parser.add_argument('--shots', type=int, default=3, help='boxes that are drawn')
    parser.add_argument('--draws', type=int, default=1)
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()

    from mmvisx.apis.few_shot_box_compare import compare_boxes
    from mmvisx.apis.few_shot_detector import TeachableDetector
    from mmvisx.datasets.classification.few_shot_bank import ActivationBank
    from mmvisx.datasets.detection.few_shot_split import boxes_by_class

    model = TeachableDetector(
        args.config, args.checkpoint, args.bank, device='cpu', show_progress=False
    )
    boxes = boxes_by_class(*args.add)
    bank = ActivationBank(args.bank)
    rows = compare_boxes(model, bank, boxes, args.shots, args.few, args.draws, args.seed)
    old = [k for k in model.classes if k not in boxes]
    for row, draws in rows.items():
        kept = [sum(d[k] for k in old) / len(old) for d in draws]
        columns = {k: [d[k] for d in draws if k in d] for k in boxes} | {'the others': kept}
        shown = (
            f'{k} {" ".join(f"{v:.1f}" for v in found) or "-"}' for k, found in columns.items()
        )
        print(f'{row}: {"; ".join(shown)}')
