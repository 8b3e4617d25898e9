"""Make index PNGs of SBD beside PASCAL VOC 2012's, and the lists of both, less VOC's val.

python tools/datasets/sbd_to_voc.py data/benchmark_RELEASE data/VOCdevkit/VOC2012
"""

import argparse


def main(args: list[str] | None = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description='SBD to index PNGs, and the lists of D1')
    parser.add_argument('sbd', help='folder benchmark_RELEASE')
    parser.add_argument('voc', help='folder VOCdevkit/VOC2012')
    options = parser.parse_args(args)
    from mmvisx.datasets.segmentation.seg_converters import convert_sbd

    counts = convert_sbd(options.sbd, options.voc)
    print(
        f'{options.voc}: {counts["trainaug"]} training images in trainaug.txt, every second in '
        f'trainaug_half.txt; {counts["removed"]} of SBD left out, which VOC validates on'
    )
