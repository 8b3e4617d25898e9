"""Draw a model's predictions on an image or on every image of a folder.

    python demo/image_demo.py photos/ configs/detectors/htc_rfp_sac.py epoch_12.pth --out-dir out

The config says what the model is: a detector (boxes, masks, labels and scores are drawn), a
segmentor (the classes' colours with a legend, the tasks of a multi-task model side by side) or a
classifier (the best classes). Writes the pictures into OUT_DIR/vis and the predictions into
OUT_DIR/preds: NAME.json, or label maps as PNG.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmvisx.cli.options import add_config_argument, add_trust_option
from mmvisx.utils import UserError

if TYPE_CHECKING:
    from mmvisx.apis.inference import ImageInferencer


def main() -> int:
    """Predict and draw; returns 1 when an image of the folder could not be read."""
    parser = argparse.ArgumentParser(description='Draw predictions on images')
    parser.add_argument('input', help='image or folder of images')
    add_config_argument(parser)
    parser.add_argument('checkpoint', help='checkpoint file')
    add_trust_option(parser)
    parser.add_argument('--out-dir', default='outputs', help='folder for pictures and predictions')
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
    parser.add_argument(
        '--opacity', type=float, default=0.5, help='of the colours, 0 to 1, of a segmentor'
    )
    args = parser.parse_args()
    for option, value in (('--batch-size', args.batch_size), ('--top-k', args.top_k)):
        if value < 1:
            raise UserError(f'{option} {value} should be at least 1')
    for option, share in (('--score-thr', args.score_thr), ('--opacity', args.opacity)):
        if not 0 <= share <= 1:
            raise UserError(f'{option} {share} should be in [0, 1]')
    from mmvisx.apis import inferencer_for
    from mmvisx.utils.modules import class_name
    from mmvisx.utils.screen import quiet_screen

    with quiet_screen():
        inferencer = inferencer_for(
            args.config, args.checkpoint, args.device, allow_partial=args.allow_partial
        )
        given = dict(pred_score_thr=args.score_thr, top_k=args.top_k, opacity=args.opacity)
        options = {name: given[name] for name in inferencer.options}
        network = f'{class_name(inferencer.model)} on {inferencer.device.type}'
        print(f'{Path(args.config).stem}: {network}, weights of {args.checkpoint}', flush=True)
        return draw_images(inferencer, args.input, args.out_dir, args.batch_size, **options)


def draw_images(
    inferencer: ImageInferencer,
    images: str,
    out_dir: str | Path,
    batch_size: int = 1,
    **options: Any,
) -> int:
    """Predict, write and say what was found.

    Returns:
        1 when an image could not be read, 130 when it was interrupted (what is written stays).
    """
    done, found, interrupted = 0, Counter[str](), False
    results = inferencer.stream(
        images, batch_size, out_dir=out_dir, skip_unreadable=True, **options
    )
    try:
        for prediction, _ in results:
            done += 1
            found.update(inferencer.shown(prediction, options))
    except KeyboardInterrupt:
        interrupted = True
    for _, reason in inferencer.failed:
        print(f'skipped: {reason}', file=sys.stderr)
    summary = [f'{done} images', inferencer.summary(found)]
    summary.append(f'{len(inferencer.failed)} images unreadable')
    print(', '.join(part for part in summary if part))
    print(f'pictures in {out_dir}/vis, predictions in {out_dir}/preds')
    if interrupted:
        print('interrupted: the images that were left are not predicted', file=sys.stderr)
        return 130
    return 1 if inferencer.failed else 0
