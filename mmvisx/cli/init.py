"""Look at a folder of your data and write a config that trains on it.

mmvisx init data/mine
mmvisx init data/mine --out configs/mine.py --group-by prefix
"""

import argparse


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Look at a folder of your data and write a config that trains on it: COCO, '
        'VOC, YOLO, LabelMe, class folders, or images with label maps'
    )
    parser.add_argument('data', help='folder of the data, or a COCO JSON or data.yaml in it')
    parser.add_argument('--out', metavar='FILE', help='config to write; {name of the folder}.py')
    parser.add_argument(
        '--format', metavar='NAME', help='coco, voc, yolo, labelme, masks or folders, of several'
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        default=(),
        metavar='NAME',
        help='names of the classes, or what to read them from, as of mmvisx train; of label maps '
        'in the order of the labels, from 0',
    )
    parser.add_argument(
        '--val-share',
        type=float,
        default=0.2,
        metavar='SHARE',
        help='share of the images to validate on where the data have no such part (default 0.2); 0 '
        'validates on the images that are trained on',
    )
    parser.add_argument(
        '--group-by',
        metavar='RULE',
        help='images of one group stay together in a split, as the frames of a film: folder, '
        "prefix (the file's name without the number at its end) or a regular expression, whose "
        'first group names the group',
    )
    parser.add_argument(
        '--weights',
        metavar='FILE',
        help='checkpoint to start from; without it one of torchvision '
        "in torch's cache, where there is one",
    )
    parser.add_argument(
        '--device',
        choices=['cpu', 'gpu'],
        help='write for a small network and a CPU or the full one and a GPU; by default for what '
        'this machine has',
    )
    parser.add_argument('--seed', type=int, default=0, help='of the split and the training')
    return parser.parse_args()


def main() -> None:
    """Write the config and say what was found."""
    args = parse_args()
    from mmvisx.apis.init import Options, init

    chosen = {name: value for name, value in vars(args).items() if name != 'data'}
    print('\n'.join(init(args.data, Options(**dict(chosen, classes=tuple(args.classes))))))
