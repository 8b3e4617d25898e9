"""Put a folder of images and VOC XML files into the VOC layout: shrunk, split into two lists.

python tools/datasets/xml_to_voc.py raccoon/images raccoon/annotations --out data/raccoon --val 40
"""

import argparse
import random
import xml.etree.ElementTree as ET
from pathlib import Path

from mmvisx.utils import UserError
from mmvisx.utils.files import write_text
from mmvisx.utils.inside import check_inside

CORNERS = ('xmin', 'ymin', 'xmax', 'ymax')


def convert(images: Path, annotations: Path, out: Path, val: int, seed: int, long_side: int) -> int:
    """Write ``out/VOCdevkit/VOC2012`` with the lists ``train`` and ``val``; return the images.

    Args:
        images: the folder of the images that the XML files name.
        annotations: the folder of the XML files.
        out: the folder to write to.
        val: how many images, drawn with ``seed``, the list ``val`` gets.
        seed: of the split.
        long_side: images are shrunk until their longer side has this many pixels, and the boxes
            with them; smaller images stay.

    Raises:
        UserError: there are no XML files, an image does not load, or ``val`` leaves none.
    """
    import cv2

    files = sorted(annotations.glob('*.xml'))
    if not 0 < val < len(files):
        raise UserError(f'--val {val}: {annotations} has {len(files)} XML files to split into two')
    root = out / 'VOCdevkit' / 'VOC2012'
    for folder in ('JPEGImages', 'Annotations', 'ImageSets/Main'):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for file in files:
        tree = ET.parse(file)
        path = images / (tree.findtext('filename') or file.stem + '.jpg')
        check_inside([str(path)], [images], file)
        image = cv2.imread(str(path))
        if image is None:
            raise UserError(f'{path}, which {file} names, is no image that can be read')
        factor = min(1, long_side / max(image.shape[:2]))
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(root / 'JPEGImages' / f'{file.stem}.jpg'), image)
        values = dict(filename=f'{file.stem}.jpg', width=image.shape[1], height=image.shape[0])
        for node in tree.iter():
            if node.tag in values:
                node.text = str(values[node.tag])
            elif node.tag in CORNERS:
                node.text = f'{(float(node.text or 0) - 1) * factor + 1:.2f}'
        tree.write(root / 'Annotations' / file.name)
    names = [file.stem for file in files]
    chosen = set(random.Random(seed).sample(names, val))
    for part in ('train', 'val'):
        lines = [f'{name}\n' for name in names if (name in chosen) == (part == 'val')]
        write_text(root / 'ImageSets' / 'Main' / f'{part}.txt', ''.join(lines))
    return len(files)


def main() -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description='Images and VOC XML files into the VOC layout')
    parser.add_argument('images', type=Path)
    parser.add_argument('annotations', type=Path)
    parser.add_argument('--out', type=Path, required=True)
    parser.add_argument('--val', type=int, required=True, help='images of the second list')
    parser.add_argument('--seed', type=int, default=0, help='of the split')
    parser.add_argument('--long-side', type=int, default=256, help='pixels, at most')
    args = parser.parse_args()
    count = convert(args.images, args.annotations, args.out, args.val, args.seed, args.long_side)
    print(f'{args.out}: {count - args.val} images to train on, {args.val} to validate on')
