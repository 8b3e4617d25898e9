"""Part class folders into large classes and few ones: lists of images for recipes.

    mmvisx few-shot split-classes data/characters --few 'Sanskrit*' --test 5 --out data/split

--few is a pattern of class names, or how many classes to draw. The lists can be published.
"""

from __future__ import annotations

import argparse


def main() -> None:
    """Write the lists."""
    parser = argparse.ArgumentParser(description='Part classes into large and few ones')
    parser.add_argument('folder', help='class folders')
    parser.add_argument('--few', required=True, help='pattern of class names, or a number')
    parser.add_argument('--test', type=int, required=True, help='test images a large class')
    parser.add_argument('--out', required=True, help='folder for the lists')
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()

    from mmvisx.datasets.classification.few_shot_split import (
        choose_few,
        class_images,
        split_classes,
    )

    images = class_images(args.folder)
    wanted = int(args.few) if args.few.isdigit() else args.few
    few = choose_few(list(images), wanted, args.seed)
    counts = split_classes(images, few, args.test, args.out, args.seed)
    print(', '.join(f'{name}.txt: {count}' for name, count in counts.items()))
