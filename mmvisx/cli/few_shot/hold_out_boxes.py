"""Part a COCO annotation file for classes that a detector shall be taught later.

    mmvisx few-shot hold-out-boxes data/shapes/coco/annotations/instances_train.json crescent

writes two files beside it: the images without the class, to train on, and the class's own boxes;
with several names those without any of them, and their boxes.
"""

from __future__ import annotations

import argparse


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description='Hold classes out of a COCO annotation file')
    parser.add_argument('file', help='COCO annotations')
    parser.add_argument('names', nargs='+', metavar='name', help='of a class')
    args = parser.parse_args()

    from mmvisx.datasets.detection.few_shot_split import write_held_out

    for path in write_held_out(args.file, *args.names):
        print(f'wrote {path}')
