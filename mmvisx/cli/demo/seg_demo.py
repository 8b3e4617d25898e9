"""Draw a segmentor's predictions over an image or over every image of a folder.

    python demo/seg_demo.py photos/ configs/stacked_unet/sunet_nano_camvid.py iter_300.pth

Writes OUT_DIR/vis/NAME.png (the classes' colours over the image, with a legend; the tasks of a
multi-task model side by side) and OUT_DIR/preds/NAME.png (the labels; NAME_TASK.png with tasks).
NAME is the image's without its ending, and with it where two images differ in nothing else.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

from mmvisx.utils import UserError


def main(args: list[str] | None = None) -> int:
    """Predict and draw; returns 1 when an image of the folder could not be read."""
    parser = argparse.ArgumentParser(description='Draw label maps over images')
    parser.add_argument('input', help='image or folder of images')
    parser.add_argument('config', help='config file of a segmentor')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out-dir', type=Path, default=Path('outputs'), help='for the pictures')
    parser.add_argument('--opacity', type=float, default=0.5, help='of the colours, 0 to 1')
    parser.add_argument('--device', help='cpu, cuda:0, ...; a GPU if there is one by default')
    options = parser.parse_args(args)
    if not 0 <= options.opacity <= 1:
        raise UserError(f'--opacity {options.opacity} should be in [0, 1]')
    from mmengine.utils import track_iter_progress
    from PIL import Image

    from mmvisx.apis.inference.detection import list_images
    from mmvisx.apis.inference.segmentation import SegmentationInferencer

    paths = [Path(path) for path in list_images(options.input)]
    stems = Counter(path.stem for path in paths)
    inferencer = SegmentationInferencer(options.config, options.checkpoint, options.device)
    for name in ('vis', 'preds'):
        (options.out_dir / name).mkdir(parents=True, exist_ok=True)
    failed = []
    for path in track_iter_progress(paths):
        try:
            labels = inferencer(path)
        except UserError as error:
            failed.append(str(error))
            continue
        picture = inferencer.picture(path, labels, options.opacity)
        name = path.stem if stems[path.stem] == 1 else path.name
        Image.fromarray(picture).save(options.out_dir / 'vis' / f'{name}.png')
        for task, found in labels.items():
            suffix = f'_{task}' if task else ''
            Image.fromarray(found).save(options.out_dir / 'preds' / f'{name}{suffix}.png')
    for reason in failed:
        print(f'skipped: {reason}', file=sys.stderr)
    print(f'\n{len(paths) - len(failed)} images, {len(failed)} images unreadable')
    print(f'pictures in {options.out_dir / "vis"}, labels in {options.out_dir / "preds"}')
    return 1 if failed else 0
