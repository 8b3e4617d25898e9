"""Draw a detector's predictions on an image or on every image of a folder.

    python demo/image_demo.py photos/ configs/detectors/htc_rfp_sac.py epoch_12.pth --out-dir out

Writes OUT_DIR/vis/NAME (boxes, masks, labels and scores drawn) and OUT_DIR/preds/NAME.json.
"""

import argparse
import sys

from mmvisx.utils import UserError, run_cli


def main() -> int:
    """Predict and draw; returns 1 when an image of the folder could not be read."""
    parser = argparse.ArgumentParser(description='Draw predictions on images')
    parser.add_argument('input', help='image or folder of images')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out-dir', default='outputs', help='folder for pictures and JSON')
    parser.add_argument('--score-thr', type=float, default=0.3, help='lowest score to draw')
    parser.add_argument('--device', help='cpu, cuda:0, ...; a GPU if there is one by default')
    parser.add_argument('--batch-size', type=int, default=1)
    parser.add_argument(
        '--allow-partial',
        action='store_true',
        help='run although checkpoint and model do not have the same weights',
    )
    args = parser.parse_args()
    if not 0 <= args.score_thr <= 1:
        raise UserError(f'--score-thr {args.score_thr} should be in [0, 1]')
    if args.batch_size < 1:
        raise UserError(f'--batch-size {args.batch_size} should be at least 1')
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
    )
    for _, reason in inferencer.failed:
        print(f'skipped: {reason}', file=sys.stderr)
    done = len(results['predictions'])
    shown = sum(s >= args.score_thr for p in results['predictions'] for s in p['scores'])
    print(f'{done} images, {shown} objects drawn, {len(inferencer.failed)} images unreadable')
    print(f'pictures in {args.out_dir}/vis, predictions in {args.out_dir}/preds')
    return 1 if inferencer.failed else 0


if __name__ == '__main__':
    run_cli(main)
