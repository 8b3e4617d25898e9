"""Draw a segmentor's predictions over an image or over every image of a folder.

    python demo/seg_demo.py photos/ configs/stacked_unet/sunet_nano_camvid.py iter_300.pth

Writes OUT_DIR/vis/NAME.png (the classes' colours over the image, with a legend; the tasks of a
multi-task model side by side) and OUT_DIR/preds/NAME.png (the labels; NAME_TASK.png with tasks).
NAME is the image's without its ending, and with it where two images differ in nothing else.
``image_demo.py`` does the same for models of any task.
"""

import argparse
from pathlib import Path

from mmvisx.cli.options import add_config_argument, add_trust_option
from mmvisx.utils import UserError


def main(args: list[str] | None = None) -> int:
    """Predict and draw; returns 1 when an image of the folder could not be read."""
    parser = argparse.ArgumentParser(description='Draw label maps over images')
    parser.add_argument('input', help='image or folder of images')
    add_config_argument(parser, help='config file of a segmentor, or name of a recipe')
    parser.add_argument('checkpoint', help='checkpoint file')
    add_trust_option(parser)
    parser.add_argument('--out-dir', type=Path, default=Path('outputs'), help='for the pictures')
    parser.add_argument('--opacity', type=float, default=0.5, help='of the colours, 0 to 1')
    parser.add_argument('--device', help='cpu, cuda:0, ...; a GPU if there is one by default')
    options = parser.parse_args(args)
    if not 0 <= options.opacity <= 1:
        raise UserError(f'--opacity {options.opacity} should be in [0, 1]')
    from mmvisx.apis import SegmentationInferencer
    from mmvisx.cli.demo.image_demo import draw_images
    from mmvisx.utils.screen import quiet_screen

    with quiet_screen():
        inferencer = SegmentationInferencer(options.config, options.checkpoint, options.device)
        return draw_images(inferencer, options.input, options.out_dir, opacity=options.opacity)
