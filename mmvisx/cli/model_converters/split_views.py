"""Write the views of a co-trained classifier as plain classifiers, each with a config.

python tools/model_converters/split_views.py CONFIG CHECKPOINT --out views
python tools/test.py views/view_0.py views/view_0.pth
python tools/test.py views/view_0.py views/view_0.pth views/view_1.py:views/view_1.pth
"""

import argparse

from mmvisx.cli.options import add_config_argument, add_config_options, add_trust_option


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Write co-trained views as plain classifiers')
    add_config_argument(parser)
    parser.add_argument('checkpoint', help='checkpoint file of the co-trained model')
    add_trust_option(parser)
    parser.add_argument('--out', required=True, help='folder for view_{i}.pth and view_{i}.py')
    parser.add_argument('--views', type=int, nargs='+', help='which, from 0; all by default')
    add_config_options(parser)
    return parser.parse_args()


def main() -> None:
    """Split."""
    args = parse_args()
    from mmvisx.apis.export.co_training import split_views
    from mmvisx.apis.run import prepare_config

    cfg = prepare_config(args.config, options=args.cfg_options)
    for path in split_views(cfg, args.checkpoint, args.out, args.views):
        print(f'wrote {path}, with its config {path.with_suffix(".py").name}')
