"""Put the multi-person images of Look Into Person into one folder with lists.

python tools/datasets/lip_to_folders.py data/instance-level_human_parsing data/LIP
"""

import argparse


def main(args: list[str] | None = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description='LIP to images, index PNGs and lists')
    parser.add_argument('source', help='folder instance-level_human_parsing')
    parser.add_argument('out', help='folder to make')
    options = parser.parse_args(args)
    from mmvisx.datasets.segmentation.seg_converters import convert_lip

    counts = convert_lip(options.source, options.out)
    print(f'{options.out}: ' + ', '.join(f'{name}: {n} images' for name, n in counts.items()))
