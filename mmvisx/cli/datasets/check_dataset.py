"""Check a data set for faults before training on it; exits with 1 if there are any.

Examples:
    python tools/datasets/check_dataset.py data/coco/annotations/instances_val2017.json \
        --images data/coco/val2017 --stuff data/coco/stuffthingmaps/val2017
    python tools/datasets/check_dataset.py data/VOCdevkit/VOC2012 --split trainval
    python tools/datasets/check_dataset.py data/mine/images/train --masks data/mine/masks/train \
        --classes ground ball box
    python tools/datasets/check_dataset.py data/mine/val --classes data/mine/train
    python tools/datasets/check_dataset.py data/mine/data.yaml
    python tools/datasets/check_dataset.py data/mine/labelme
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mmvisx.cli.options import add_outside_option
from mmvisx.utils import UserError
from mmvisx.utils.files import write_json

if TYPE_CHECKING:
    from mmvisx.datasets.detection.checks import Report


def main(args: list[str] | None = None) -> int:
    """Print a table of the faults; returns 1 if there are any."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'path',
        help="COCO instances JSON; folder of a VOC year; folder of images with --masks; YOLO's "
        'data.yaml, or folder of images with labels beside it; folder of LabelMe files; or folder '
        'with a sub-folder of images for each class',
    )
    parser.add_argument('--images', help='COCO: folder of the images')
    parser.add_argument('--stuff', help='COCO: folder of the stuff maps')
    parser.add_argument('--masks', help='segmentation: folder of the label maps, index PNGs')
    parser.add_argument(
        '--split', help='VOC: name of an image list (default: all XML files); YOLO: of a split'
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        help='known class names (of masks in the order of the labels, from 0), also separated by '
        'commas; or what to read them from: a COCO JSON, a text file with a name a line, or a '
        'folder with a sub-folder for each class',
    )
    add_outside_option(parser)
    parser.add_argument('--json', dest='report', help='write the report to this file, too')
    options = parser.parse_args(args)
    from mmvisx.datasets.detection.checks import parse_classes
    from mmvisx.datasets.segmentation.seg_checks import CountingReport
    from mmvisx.utils.config.classes import read_classes

    classes = None
    if options.classes is not None:
        classes = read_classes([name for text in options.classes for name in parse_classes(text)])
    report = check(options, classes)
    print(report.table())
    found = f'{report.images} images'
    if not isinstance(report, CountingReport):
        found += f', {report.objects} objects'
    else:
        print(report.class_table())
        if report.kinds:
            kinds = ', '.join(f'{count} {kind}' for kind, count in report.kinds.items())
            print(f'label maps: {kinds}; the numbers in them count, not the colours')
    print(f'{found}: {report.faults} faults')
    if options.report is not None:
        write_json(options.report, report.as_dict())
    return 1 if report.faults else 0


def check(options: argparse.Namespace, classes: tuple[str, ...] | None) -> Report:
    """Check what the path is.

    Raises:
        UserError: It is none of what can be checked, or an option is missing.
    """
    from mmdet.datasets import VOCDataset

    from mmvisx.datasets.detection.checks import check_coco, check_voc
    from mmvisx.datasets.detection.per_image_checks import check_labelme, check_yolo
    from mmvisx.datasets.detection.yolo_files import has_labels
    from mmvisx.datasets.formats.labelme import labelme_splits
    from mmvisx.datasets.formats.yolo import yolo_yaml
    from mmvisx.datasets.segmentation.seg_checks import check_folders, check_masks

    path = Path(options.path)
    if options.masks is not None:
        return check_masks(path, options.masks, classes)
    yaml = yolo_yaml(path)
    if yaml is not None:
        return check_yolo(yaml, options.split)
    if not path.is_dir():
        if options.images is None:
            raise UserError(f'{path} is no folder, so it is taken for COCO: give --images')
        return check_coco(path, options.images, options.stuff, classes)
    if options.split is not None or (path / 'Annotations').is_dir():
        known = VOCDataset.METAINFO['classes'] if classes is None else classes
        return check_voc(path, options.split, known)
    if labelme_splits(path):
        return check_labelme(path, classes)
    if has_labels(path):
        return check_yolo(path, classes=classes)
    if any(item.is_dir() and item.name[0] != '.' for item in path.iterdir()):
        return check_folders(path, classes)
    raise UserError(
        f'{path} has neither Annotations (a VOC year) nor a sub-folder for each class; for images '
        'with label maps give --masks'
    )
