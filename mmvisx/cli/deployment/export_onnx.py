"""Export a classifier, or backbone, neck and dense heads of a detector, to ONNX.

python tools/deployment/export_onnx.py configs/detectors/htc_rfp_sac.py CHECKPOINT \
    --out detectors.onnx --shape 800 1344 --verify photo.jpg

A classifier, also a taught one, has the output logits; its size is that of its test images, and its
classes stand in the file's metadata.
"""

import argparse
from typing import Any

from mmvisx.cli.options import add_config_argument, add_config_options, add_trust_option
from mmvisx.utils import UserError

TOLERANCE = 1e-3


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Export a detector or classifier to ONNX')
    add_config_argument(parser)
    parser.add_argument('checkpoint', help='checkpoint file')
    add_trust_option(parser)
    parser.add_argument('--out', required=True, help='the .onnx file to write')
    parser.add_argument(
        '--shape',
        type=int,
        nargs='+',
        metavar='N',
        help='fixed height and width of the input in pixels, or one number for both; by default '
        "800 1344 for a detector, the test images' size for a classifier",
    )
    parser.add_argument(
        '--verify', metavar='IMAGE', help='run both networks on this image and compare the outputs'
    )
    parser.add_argument(
        '--no-heads', action='store_true', help='the features of the neck only, no dense heads'
    )
    add_config_options(parser)
    return parser.parse_args()


def main() -> None:
    """Export and compare."""
    args = parse_args()
    if not args.out.endswith('.onnx'):
        raise UserError(f'--out {args.out}: the name must end in .onnx')
    if args.shape and (len(args.shape) > 2 or min(args.shape) < 32):
        raise UserError(f'--shape {args.shape}: give height and width, 32 pixels or more')
    from mmvisx.apis.export import onnx, onnx_classifier
    from mmvisx.apis.input_shape import input_shape
    from mmvisx.apis.run import prepare_config

    cfg = prepare_config(args.config, options=args.cfg_options)
    model = onnx_classifier.build_exported(cfg, args.checkpoint, heads=not args.no_heads)
    images: Any = None
    # Before the export, which takes long: a wrong path should not.
    if isinstance(model, onnx.DenseOutputs):
        shape = (args.shape[0], args.shape[-1]) if args.shape else (800, 1344)
        if args.verify:
            images = onnx.read_photograph(model, args.verify, shape)
    else:
        shape = (args.shape[0], args.shape[-1]) if args.shape else input_shape(cfg)
        if args.verify:
            images = onnx_classifier.read_prepared(model, cfg, args.verify, shape)
    names = onnx.export_onnx(model, args.out, shape)
    print(f'{args.out}: images (1, 3, {shape[0]}, {shape[1]}) -> {", ".join(names)}')
    if images is None:
        return
    errors = onnx.compare(args.out, model, images)
    for name, error in errors.items():
        print(f'{name:<24}{error:.1e}')
    worst = max(errors, key=lambda name: errors[name])
    print(f'largest difference, relative to the largest value: {errors[worst]:.1e} ({worst})')
    if not errors[worst] <= TOLERANCE:
        raise UserError(
            f'{args.out} differs from the checkpoint by {errors[worst]:.1e} in {worst}, more than '
            f'{TOLERANCE}; do not deploy it'
        )
