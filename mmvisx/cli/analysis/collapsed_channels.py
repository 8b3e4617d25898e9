"""Count the channels of a trained network that collapsed into each other (001, section 4.4).

    python tools/analysis/collapsed_channels.py CONFIG CHECKPOINT --images 256
    python tools/analysis/collapsed_channels.py CONFIG CHECKPOINT --layers backbone.layer1 neck

A pair of channels counts when the absolute value of their correlation over all positions of the
images is above the threshold. "in segment": pairs inside one segment of a gradual layer;
"collapsed": channels that are in a pair; "distinct": what remains when those joined by pairs count
once; channels that do not vary are "constant", and neither in a pair nor distinct.
"""

import argparse

from mmvisx.cli.options import add_config_argument, add_config_options, add_trust_option
from mmvisx.utils.files import write_json


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description='Count collapsed channels')
    add_config_argument(parser)
    parser.add_argument('checkpoint', help='checkpoint file')
    add_trust_option(parser)
    parser.add_argument(
        '--layers', nargs='+', metavar='NAME', help='all gradually updated ones by default'
    )
    parser.add_argument('--threshold', type=float, default=0.99, help='of |correlation|')
    parser.add_argument('--images', type=int, default=256, help='of the test set')
    parser.add_argument('--pairs', type=int, default=0, help='print that many pairs of each layer')
    parser.add_argument('--out', help='.json: write numbers and pairs')
    parser.add_argument('--device', help='cpu, cuda:0, ...; a GPU if there is one by default')
    add_config_options(parser)
    args = parser.parse_args()
    import torch

    from mmvisx.analysis.gunn_collapse import CollapsedChannels
    from mmvisx.apis.build import build_model, build_test_loader
    from mmvisx.apis.run import prepare_config

    cfg = prepare_config(args.config, options=args.cfg_options)
    images = build_test_loader(cfg, args.images)
    device = args.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    analysis = CollapsedChannels(args.layers, args.threshold)
    result = analysis.measure(build_model(cfg, args.checkpoint, device), images)
    print(analysis.draw(result))
    for name, entry in result.items():
        for i, j, value in entry['collapse'].pairs[: args.pairs]:
            print(f'{name}: {i} and {j}, {value:+.4f}')
    if args.out:
        content = {
            name: dict(
                channels=entry['collapse'].channels,
                segments=entry['segments'],
                positions=entry['positions'],
                constant=entry['collapse'].constant,
                pairs=entry['collapse'].pairs,
                distinct=entry['collapse'].distinct,
                strongest=entry['collapse'].strongest,
            )
            for name, entry in result.items()
        }
        write_json(args.out, content)
