"""Make six part classes of persons from PASCAL-Part's annotations, as index PNGs and lists.

python tools/datasets/pascal_part_to_person_part.py data/Annotations_Part data/VOCdevkit/VOC2012 \
    --sbd data/benchmark_RELEASE --lists data/VOCdevkit/VOC2010
"""

import argparse


def main(args: list[str] | None = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description='PASCAL-Part to PASCAL-Person-Part')
    parser.add_argument('annotations', help='folder Annotations_Part with .mat files')
    parser.add_argument('voc', help='folder VOCdevkit/VOC2012, which gets maps and lists')
    parser.add_argument('--sbd', help='folder benchmark_RELEASE: list what both have')
    parser.add_argument('--lists', help='folder of the year with ImageSets/Main; VOC by default')
    options = parser.parse_args(args)
    from mmvisx.datasets.segmentation.seg_converters import convert_person_parts

    counts = convert_person_parts(options.annotations, options.voc, options.sbd, options.lists)
    print(f'{options.voc}: ' + ', '.join(f'{name}: {n} images' for name, n in counts.items()))
