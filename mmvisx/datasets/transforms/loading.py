"""mmdet's loading transforms, with errors that name the file."""

from __future__ import annotations

from typing import Any

import mmcv
import numpy as np
from mmcv.transforms import LoadImageFromFile as _LoadImageFromFile
from mmdet.datasets.transforms import LoadAnnotations as _LoadAnnotations

from mmvisx.datasets.image_file import read_image_bytes, size_fault
from mmvisx.registry import TRANSFORMS
from mmvisx.utils import UserError


class WrongSizeError(UserError):
    """Annotations are for an image of another size: every label would be misplaced."""


def decode_image(
    path: str,
    hint: str,
    flag: str,
    backend: str,
    backend_args: dict | None,
    annotated: tuple[float | None, float | None] = (None, None),
) -> np.ndarray:
    """Read and decode an image file.

    Args:
        annotated: Width and height that the annotations give it; ``None``: none.

    Raises:
        UserError: It is missing, truncated or no image, or has another size.
    """
    data = read_image_bytes(path, hint, backend_args)
    image = mmcv.imfrombytes(data, flag=flag, backend=backend)
    if image is None:
        raise UserError(f'image file {path} cannot be decoded: is it an image? Replace the file')
    width, height = annotated
    if width is not None and height is not None:
        fault = size_fault(data, (width, height), image.shape[1::-1])
        if fault is not None:
            raise WrongSizeError(
                f'image file {path}: {fault}. (tools/datasets/check_dataset.py --json FILE lists '
                'all such images)'
            )
    return image


@TRANSFORMS.register_module()
class LoadImageFromFile(_LoadImageFromFile):
    """Load an image; a missing, truncated or undecodable file is an error that names it.

    Arguments as in mmcv. With ``ignore_empty`` such a file makes the pipeline drop the
    image instead.

    The decoded image must have the ``width`` and ``height`` of its annotations, where the data
    set gives them: boxes and polygons of an unturned photograph, or of one whose width and
    height are exchanged, would train with every label misplaced.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Set ``img`` ``(H, W, 3)``, ``img_shape`` and ``ori_shape``.

        Raises:
            UserError: The file is missing, truncated or no image, or of another size than its
                annotations.
        """
        hint = 'check data_prefix and data_root of the data set, and file_name in the annotations'
        try:
            image = decode_image(
                results['img_path'],
                hint,
                self.color_type,
                self.imdecode_backend,
                self.backend_args,
                annotated=(results.get('width'), results.get('height')),
            )
        except WrongSizeError:
            raise
        except UserError:
            if self.ignore_empty:
                return None
            raise
        results['img'] = image.astype(np.float32) if self.to_float32 else image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results


@TRANSFORMS.register_module()
class LoadAnnotations(_LoadAnnotations):
    """Load boxes, labels, masks and the stuff map; faults name the image or the map.

    Args:
        *args: As in mmdet.
        keep_instances: Keep ``instances``, the annotations as they were read, in the sample.
            No training transform needs them, and they are slow to copy, which
            ``MultiImageMixDataset`` does several times.
        **kwargs: As in mmdet.
    """

    def __init__(self, *args: Any, keep_instances: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.keep_instances = keep_instances

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Set ``gt_bboxes``, ``gt_bboxes_labels``, ``gt_ignore_flags`` and what else is asked for.

        Raises:
            UserError: A mask is missing or of another size, or the stuff map is missing,
                unreadable or of another size than the image.
        """
        results = super().transform(results)
        if not self.keep_instances:
            results.pop('instances', None)
        return results

    def _load_masks(self, results: dict[str, Any]) -> None:
        path, shape = results.get('img_path'), list(results['ori_shape'])
        for instance in results.get('instances', []):
            mask = instance.get('mask')
            if mask is None:
                raise UserError(
                    f'an object in {path} has a box but no segmentation: add it to the '
                    'annotation file, or use a detector without masks and '
                    'LoadAnnotations(with_mask=False)'
                )
            if isinstance(mask, dict) and list(mask.get('size', shape)) != shape:
                raise UserError(
                    f'the RLE mask of an object in {path} has the size {mask["size"]} (height, '
                    f'width), the image {shape}: correct the annotation or the image'
                )
        super()._load_masks(results)

    def _load_seg_map(self, results: dict[str, Any]) -> None:
        path = results.get('seg_map_path')
        if path is None:
            raise UserError(
                f'no stuff map for {results.get("img_path")}, but the pipeline asks for one: set '
                "data_prefix['seg'] of the data set, or LoadAnnotations(with_seg=False) and a "
                'detector without the semantic branch'
            )
        hint = (
            "check data_prefix['seg'] and data_root of the data set; maps can be made with "
            'tools/datasets/panoptic_to_stuff.py'
        )
        labels = decode_image(path, hint, 'unchanged', self.imdecode_backend, self.backend_args)
        shape = tuple(results['ori_shape'])
        if labels.squeeze().shape != shape:
            raise UserError(
                f'stuff map {path} has the shape {labels.shape}, its image {shape}: a stuff map '
                'is a PNG with one channel of labels and the size of the image'
            )
        super()._load_seg_map(results)
