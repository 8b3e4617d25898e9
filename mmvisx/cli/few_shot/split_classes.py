"""Part class folders into large classes and few ones: lists of images for recipes.

    mmvisx few-shot split-classes data/characters --few 'Sanskrit*' --test 5 --out data/split

--few is a pattern of class names, how many classes to draw, or a text file of names; --test how
many images of each class to draw for tests, or a folder with the same class folders. With --shots
there are lists of large classes and samples of few ones too, for networks that are trained on both.
The lists can be published.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def main() -> None:
    """Write the lists."""
    parser = argparse.ArgumentParser(description='Part classes into large and few ones')
    parser.add_argument('folder', help='class folders')
    parser.add_argument('--few', required=True, help='pattern of class names, number, or file')
    parser.add_argument('--test', required=True, help='test images a class, or their folder')
    parser.add_argument(
        '--shots', type=int, nargs='+', default=[], help='samples a few class to train on'
    )
    parser.add_argument('--out', required=True, help='folder for the lists')
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()

    from mmvisx.datasets.classification.few_shot_split import (
        choose_few,
        class_images,
        split_classes,
    )

    images = class_images(args.folder)
    test = int(args.test) if args.test.isdigit() else class_images(args.test)
    few: str | int | Path = int(args.few) if args.few.isdigit() else args.few
    if Path(args.few).is_file():
        few = Path(args.few)
    chosen = choose_few(list(images), few, args.seed)
    counts = split_classes(images, chosen, test, args.out, args.seed, args.shots)
    print(', '.join(f'{name}.txt: {count}' for name, count in counts.items()))
