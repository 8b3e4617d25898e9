"""Convert a data set of boxes and outlines between COCO, VOC, YOLO and LabelMe.

    mmvisx convert data/mine data/mine_coco --to coco

The source is a folder, or its file (COCO's JSON, YOLO's data.yaml), and stays as it is. Images are
copied, or linked with --link. What the new format cannot hold is counted.
"""

import argparse
from pathlib import Path

from .options import add_outside_option


def main() -> None:
    """Convert, and print what became of what."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('source', type=Path, help='the data set, a folder or its file')
    parser.add_argument('target', type=Path, help='folder to write, empty or not there')
    parser.add_argument('--to', required=True, metavar='FORMAT', help='coco, voc, yolo or labelme')
    parser.add_argument(
        '--from', dest='kind', metavar='FORMAT', help='of the source (default: recognised)'
    )
    parser.add_argument('--images', type=Path, help='COCO, VOC: folder of the images, if elsewhere')
    parser.add_argument('--splits', nargs='+', default=[], help='to convert (default: all)')
    parser.add_argument(
        '--classes', nargs='+', help='YOLO without data.yaml: names in the order of the numbers'
    )
    parser.add_argument('--link', action='store_true', help='link the images, do not copy them')
    add_outside_option(parser)
    args = parser.parse_args()
    from mmvisx.datasets.formats.convert import convert
    from mmvisx.utils.config.classes import read_classes

    content = convert(
        args.source,
        args.target,
        args.to,
        kind=args.kind,
        images=args.images,
        splits=args.splits,
        classes=read_classes(args.classes) if args.classes else None,
        link=args.link,
    )
    for split, pictures in content.splits.items():
        objects = sum(len(picture.things) for picture in pictures)
        print(f'{split}: {len(pictures)} images, {objects} objects')
    done = 'linked' if args.link else 'copied'
    print(f'{args.target}: {len(content.classes)} classes, images {done}')
    lost = {what: count for what, count in content.lost.items() if count}
    if lost:
        print(f'what {args.to} cannot hold:')
    for what, count in sorted(lost.items(), key=lambda item: -item[1]):
        print(f'  {count:>7} {what}')
