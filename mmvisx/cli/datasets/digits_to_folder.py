"""Write scikit-learn's handwritten digits as class folders of PNG files.

python tools/datasets/digits_to_folder.py --out data/digits
"""

import argparse


def main() -> None:
    """Write."""
    parser = argparse.ArgumentParser(description="Write scikit-learn's digits as class folders")
    parser.add_argument('--out', default='data/digits', help='folder to make')
    args = parser.parse_args()
    from mmvisx.datasets.classification.digits import write_digits

    train, test = write_digits(args.out)
    print(f'{args.out}: {train} training and {test} test images')
