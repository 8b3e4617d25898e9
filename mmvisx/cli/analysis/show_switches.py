"""Draw where a DetectoRS takes more from the larger atrous rate (001, Figure 6-8).

    python tools/analysis/show_switches.py CONFIG CHECKPOINT photos/ a.jpg --out-dir switches

Writes OUT_DIR/NAME.png per image: the image, the switches of the last SAC of each stage (darker:
more of the larger rate; above it the lowest and the highest share) and the detections.
"""

import argparse
from functools import partial
from pathlib import Path

from mmvisx.cli.options import add_config_argument, add_trust_option
from mmvisx.utils import UserError


def main() -> None:
    """Predict and draw."""
    parser = argparse.ArgumentParser(description='Draw the switches of a DetectoRS')
    add_config_argument(parser)
    parser.add_argument('checkpoint', help='checkpoint file')
    add_trust_option(parser)
    parser.add_argument('images', nargs='+', help='images or folders of images')
    parser.add_argument('--out-dir', default='outputs/switches', help='folder for the pictures')
    parser.add_argument(
        '--backbone',
        help='whose switches: backbone, neck.rfp_modules.0, ...; by default the one that runs last',
    )
    parser.add_argument(
        '--absolute',
        action='store_true',
        help='white is a share of 0 and black of 1; by default the lowest and highest of each map',
    )
    parser.add_argument('--score-thr', type=float, default=0.3, help='lowest score to draw')
    parser.add_argument('--height', type=int, default=240, help='of a picture, in pixels')
    parser.add_argument('--device', help='cpu, cuda:0, ...; a GPU if there is one by default')
    args = parser.parse_args()
    if args.height < 32:
        raise UserError(f'--height {args.height} should be at least 32')
    import mmcv

    from mmvisx.analysis.detectors_switches import SwitchMaps, last_sacs
    from mmvisx.apis import Inferencer
    from mmvisx.apis.inference.inputs import list_images
    from mmvisx.datasets.transforms.loading import decode_image
    from mmvisx.utils.progress import progress

    inferencer = Inferencer(
        args.config, args.checkpoint, args.device, show_progress=False, fuse=False
    )
    last_sacs(inferencer.model, args.backbone)  # before any image is run
    analysis = SwitchMaps(args.backbone, not args.absolute, args.height)
    paths = [path for item in args.images for path in list_images(item)]
    names = [Path(path).name for path in paths]
    double = next((name for name in names if names.count(name) > 1), None)
    if double:
        raise UserError(f'two images are called {double}; draw them into different --out-dir')
    for path, name in zip(progress(paths, 'drawing', 'image'), names, strict=True):
        image = decode_image(path, 'name an image or a folder', 'color', 'cv2', None)
        run = partial(inferencer, image, return_vis=True, pred_score_thr=args.score_thr)
        maps, result = analysis.measure(inferencer.model, run)
        row = analysis.draw(image[..., ::-1], maps, result['visualization'][0])
        mmcv.imwrite(row[..., ::-1], str(Path(args.out_dir) / f'{name}.png'))
    print(f'wrote {len(paths)} pictures into {args.out_dir}')
