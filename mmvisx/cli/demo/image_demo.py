"""Draw a detector's or a classifier's predictions on an image or on every image of a folder.

    python demo/image_demo.py photos/ configs/detectors/htc_rfp_sac.py epoch_12.pth --out-dir out

Writes OUT_DIR/vis/NAME (boxes, masks, labels and scores; of a classifier the best classes) and
OUT_DIR/preds/NAME.json.
"""

import argparse
import sys
from collections import Counter

from mmvisx.utils import UserError


def main() -> int:
    """Predict and draw; returns 1 when an image of the folder could not be read."""
    parser = argparse.ArgumentParser(description='Draw predictions on images')
    parser.add_argument('input', help='image or folder of images')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out-dir', default='outputs', help='folder for pictures and JSON')
    parser.add_argument(
        '--score-thr', type=float, default=0.3, help='lowest score of a box to draw'
    )
    parser.add_argument('--device', help='cpu, cuda:0, ...; a GPU if there is one by default')
    parser.add_argument('--batch-size', type=int, default=1)
    parser.add_argument(
        '--allow-partial',
        action='store_true',
        help='run although checkpoint and model do not have the same weights',
    )
    parser.add_argument('--top-k', type=int, default=5, help='classes to list, of a classifier')
    args = parser.parse_args()
    for option, value in (('--batch-size', args.batch_size), ('--top-k', args.top_k)):
        if value < 1:
            raise UserError(f'{option} {value} should be at least 1')
    if not 0 <= args.score_thr <= 1:
        raise UserError(f'--score-thr {args.score_thr} should be in [0, 1]')
    from mmvisx.utils.config import load_config

    scope = load_config(args.config).get('default_scope')
    if scope == 'mmseg':
        raise UserError(f'{args.config} is a segmentor: demo/seg_demo.py draws its maps')
    failed, done, shown = (_classify if scope == 'mmpretrain' else _detect)(args)
    for _, reason in failed:
        print(f'skipped: {reason}', file=sys.stderr)
    print(f'{done} images, {shown}, {len(failed)} images unreadable')
    print(f'pictures in {args.out_dir}/vis, predictions in {args.out_dir}/preds')
    return 1 if failed else 0


def _detect(args: argparse.Namespace) -> tuple[list[tuple[str, str]], int, str]:
    """Return what failed, the number of images and what was found in them."""
    from mmvisx.apis import Inferencer

    inferencer = Inferencer(
        args.config, args.checkpoint, args.device, allow_partial=args.allow_partial
    )
    results = inferencer(
        args.input,
        batch_size=args.batch_size,
        pred_score_thr=args.score_thr,
        out_dir=args.out_dir,
        skip_unreadable=True,
    )['predictions']
    shown = sum(s >= args.score_thr for p in results for s in p['scores'])
    return inferencer.failed, len(results), f'{shown} objects drawn'


def _classify(args: argparse.Namespace) -> tuple[list[tuple[str, str]], int, str]:
    from mmvisx.apis import ClassificationInferencer

    inferencer = ClassificationInferencer(
        args.config, args.checkpoint, args.device, args.allow_partial
    )
    results = inferencer(
        args.input,
        batch_size=args.batch_size,
        top_k=args.top_k,
        out_dir=args.out_dir,
        skip_unreadable=True,
    )['predictions']
    found = Counter(prediction['label_names'][0] for prediction in results)
    counts = ', '.join(f'{count} {name}' for name, count in found.most_common(5))
    return inferencer.failed, len(results), f'classes: {counts}' if found else 'no class'
