"""What panoptic maps are merged from: detections and stuff predictions in files."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as rle_tools

from mmvisx.datasets.panoptic.annotations import coco_stuff_labels, contiguous_labels
from mmvisx.evaluation.panoptic.format import (
    SegmentColors,
    check_categories,
    id_to_rgb,
    read_json,
    read_png,
)
from mmvisx.evaluation.panoptic.merge import MergeRule, PanopticCanvas
from mmvisx.utils import UserError
from mmvisx.utils.files import write_json
from mmvisx.utils.progress import progress

_LABELS = 256


class MaskResults:
    """Masks of a COCO result file, or of an annotation file, by image.

    A result needs ``score`` where ``scored``; an annotation without one has score 1.

    Args:
        path: JSON: a list of results, or an object with ``annotations``.
        images: Each with ``id``; the results must be of these.
        categories: Of the panoptic data set.
        things: Keep things, or else stuff; :attr:`skipped` counts the others.

    Raises:
        UserError: The file is missing or broken, or holds an image or category that does not fit.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        images: Sequence[dict[str, Any]],
        categories: Sequence[dict[str, Any]],
        things: bool,
    ) -> None:
        self.path = path
        self.skipped = 0
        content = read_json(path, 'result file')
        # Ground truth in the layout of annotations is certain of its objects.
        self._certain = isinstance(content, dict) or not things
        items = content.get('annotations') if isinstance(content, dict) else content
        if not isinstance(items, list):
            raise UserError(f'{path} must hold a list of results, or an object with "annotations"')
        self._known = {image['id'] for image in images}
        kinds = {category['id']: bool(category['isthing']) for category in categories}
        self._of_image: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        for k, item in enumerate(items):
            self._check(k, item, kinds)
            if kinds[item['category_id']] == things:
                self._of_image[item['image_id']].append(item)
            else:
                self.skipped += 1

    def _check(self, k: int, item: dict[str, Any], kinds: Mapping[int, bool]) -> None:
        needed = ['image_id', 'category_id', 'segmentation'] + ['score'] * (not self._certain)
        for key in needed:
            if not isinstance(item, dict) or key not in item:
                hint = '; give the *.segm.json' if key == 'segmentation' else ''
                raise UserError(f'{self.path}: entry {k} lacks "{key}"{hint}')
        if item['image_id'] not in self._known:
            raise UserError(
                f'{self.path}: entry {k} is of image {item["image_id"]}, which --images does not '
                'list'
            )
        if item['category_id'] not in kinds:
            raise UserError(
                f'{self.path}: entry {k} has category {item["category_id"]}, which is not one of '
                'the panoptic categories'
            )

    def __call__(self, image: dict[str, Any]) -> list[dict[str, Any]]:
        """Results of an image with compressed RLE masks and scores.

        Raises:
            UserError: A mask cannot be decoded or has another size than the image.
        """
        size = [image['height'], image['width']]
        results = []
        for item in self._of_image.get(image['id'], []):
            try:
                rle = _compress(item['segmentation'], *size)
                fault = None if rle['size'] == size else f'has the size {rle["size"]}'
                if fault is None:
                    rle_tools.decode(rle)
            except (ValueError, TypeError, KeyError) as error:
                fault = f'cannot be decoded ({error})'
            if fault is not None:
                raise UserError(
                    f'{self.path}: a mask of image {image["id"]} {fault}; it must be RLE or '
                    f'polygons of height, width {size}'
                )
            results.append({'score': 1.0, **item, 'segmentation': rle})
        return results


def _compress(segmentation: Any, height: int, width: int) -> dict[str, Any]:
    if isinstance(segmentation, list):
        # pycocotools would take four numbers for a box.
        if not segmentation or not all(
            len(p) >= 6 and all(isinstance(v, (int, float)) for v in p) for p in segmentation
        ):
            raise ValueError('a polygon needs at least three points x, y')
        return rle_tools.merge(rle_tools.frPyObjects(segmentation, height, width))
    if isinstance(segmentation['counts'], list):
        return rle_tools.frPyObjects(segmentation, *segmentation['size'])
    return {'size': list(segmentation['size']), 'counts': segmentation['counts']}


class StuffMaps:
    """Label maps of a semantic segmenter: ``{stem of the image}.png`` with values 0..255.

    Args:
        folder: Of the PNGs.
        table: Category id of each of the 256 values; None where it is no stuff.
    """

    def __init__(self, folder: str | os.PathLike, table: Sequence[int | None]) -> None:
        self.folder = Path(folder)
        self.table = table

    def __call__(self, image: dict[str, Any]) -> np.ndarray:
        """Labels ``(H, W)`` uint8 of an image.

        Raises:
            UserError: The map is missing, broken, in colour, or of another size.
        """
        path = self.folder / f'{Path(image["file_name"]).stem}.png'
        labels = read_png(path, 'semantic map', 'check --semantic')
        if labels.dtype != np.uint8 or labels.ndim != 2:
            raise UserError(
                f'semantic map {path} must have one 8-bit channel of labels, not {labels.shape} '
                f'{labels.dtype}'
            )
        if labels.shape != (image['height'], image['width']):
            raise UserError(
                f'semantic map {path} has height, width {labels.shape}, but the image '
                f'{(image["height"], image["width"])}'
            )
        return labels


def stuff_table(
    categories: Sequence[dict[str, Any]],
    contiguous: bool = False,
    labels: Mapping[str, int | list[int]] | None = None,
) -> list[int | None]:
    """Stuff category of each label 0..255 of a semantic map; None where it is no stuff.

    Args:
        contiguous: Labels count from 0: the things in the order of the file, then the stuff;
            otherwise they are COCO-stuff's. Both as ``tools/datasets/panoptic_to_stuff.py``
            writes them.
        labels: Label or labels of each category name, instead.

    Raises:
        UserError: ``labels`` lacks a stuff category, or a label is given twice or not in 0..255.
    """
    if labels is None:
        numbers = (contiguous_labels if contiguous else coco_stuff_labels)(list(categories))
        by_id = {number: [label] for number, label in numbers.items()}
    else:
        absent = [c['name'] for c in categories if not c['isthing'] and c['name'] not in labels]
        if absent:
            raise UserError(f'--labels has no label for the stuff category {absent[0]!r}')
        by_id = {
            c['id']: list(value) if isinstance(value := labels[c['name']], list) else [value]
            for c in categories
            if c['name'] in labels
        }
    table: list[int | None] = [None] * _LABELS
    for category in categories:
        for label in [] if category['isthing'] else by_id[category['id']]:
            if not isinstance(label, int) or not 0 <= label < _LABELS:
                raise UserError(f'label {label!r} of {category["name"]!r} must be in 0..255')
            if table[label] is not None:
                raise UserError(f'label {label} is given to two stuff categories')
            table[label] = category['id']
    return table


def read_images(
    path: str | os.PathLike, categories_path: str | os.PathLike | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Images to merge and categories of the panoptic data set.

    Args:
        path: JSON with ``images`` and, unless there is another file, ``categories``.
        categories_path: JSON: a list of categories, or an object with ``categories``.

    Raises:
        UserError: A file is missing or broken, or lacks what is needed.
    """
    content = read_json(path, 'image list')
    images = content.get('images') if isinstance(content, dict) else None
    if not isinstance(images, list) or not images:
        raise UserError(f'{path} has no list "images"')
    for k, image in enumerate(images):
        absent = [key for key in ('id', 'file_name', 'height', 'width') if key not in image]
        if absent:
            raise UserError(f'{path}: images[{k}] lacks "{absent[0]}"')
    stems = Counter(Path(image['file_name']).stem for image in images)
    double = [stem for stem, count in stems.items() if count > 1]
    if double:
        raise UserError(f'{path}: two images would be written to {double[0]}.png; rename one')
    source = categories_path or path
    if categories_path is not None:
        content = read_json(categories_path, 'category list')
    categories = content.get('categories') if isinstance(content, dict) else content
    try:
        return images, check_categories(categories, source)
    except UserError as error:
        raise UserError(f'{error}; give them with --categories') from None


def merge_files(
    detections: MaskResults,
    stuff: MaskResults | StuffMaps,
    images: Sequence[dict[str, Any]],
    categories: Sequence[dict[str, Any]],
    out: str | os.PathLike,
    out_dir: str | os.PathLike,
    rule: MergeRule,
) -> Counter[str]:
    """Merge all images, write the PNGs into ``out_dir`` and the JSON to ``out``.

    Returns:
        How many segments there are and how many inputs were left out, by reason.
    """
    out, out_dir = Path(out), Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    colors = SegmentColors(categories)
    kinds = {c['id']: 'things' if c['isthing'] else 'stuff' for c in categories}
    counts: Counter[str] = Counter(things=0, stuff=0)
    annotations = []
    for image in progress(images, 'merging', 'image'):
        canvas = PanopticCanvas(image['height'], image['width'], rule)
        canvas.add_things(detections(image))
        if isinstance(stuff, StuffMaps):
            canvas.add_stuff_map(stuff(image), stuff.table)
        else:
            canvas.add_stuff_masks(stuff(image))
        ids, segments = canvas.finish(colors)
        name = f'{Path(image["file_name"]).stem}.png'
        Image.fromarray(id_to_rgb(ids)).save(out_dir / name)
        annotations.append(dict(image_id=image['id'], file_name=name, segments_info=segments))
        counts.update(kinds[segment['category_id']] for segment in segments)
        counts.update(canvas.dropped)
    content = dict(images=images, annotations=annotations, categories=categories)
    write_json(out, content, indent=None)
    return counts
