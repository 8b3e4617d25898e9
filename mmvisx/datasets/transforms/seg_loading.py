"""mmseg's loading of label maps, with errors that name the file, and for several tasks."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmengine.structures import PixelData
from mmseg.datasets.transforms import LoadAnnotations as _LoadAnnotations
from mmseg.datasets.transforms import PackSegInputs
from torch import from_numpy

from mmvisx.datasets.image_file import DECODING_ERRORS, image_fault, read_image_bytes
from mmvisx.registry import TRANSFORMS
from mmvisx.utils.errors import UserError

__all__ = ['LoadSegAnnotations', 'LoadTaskAnnotations', 'PackTaskInputs']

IGNORE = 255
_HINT = 'check data_prefix, data_root and ann_file of the data set'


@TRANSFORMS.register_module()
class LoadSegAnnotations(_LoadAnnotations):
    """Load a label map; one that nothing can be learnt from is an error that names it.

    Arguments as in mmseg. An image whose ``seg_map_path`` is None is unlabelled and gets no label
    map (:class:`mmvisx.SemiSupervised`). The labels are checked where the data
    set gives ``num_classes`` (:class:`mmvisx.datasets.segmentation.seg_checked.CheckedSegDataset`).

    Raises:
        UserError: The file is missing, broken or of another size than the image, or it has
            unknown labels or none but 255. (With some of a data set's classes only, labels are
            255 that were not, and a map may have no other.)
    """

    def _load_seg_map(self, results: dict[str, Any]) -> None:
        path = results['seg_map_path']
        if path is None:
            return
        data = read_image_bytes(path, _HINT, self.backend_args)  # for its errors
        try:
            super()._load_seg_map(results)
        except DECODING_ERRORS as error:
            fault = image_fault(data, decode=True)
            if fault is None:
                raise
            raise UserError(f'label map {path} {fault}: replace the file') from error
        labels = results['gt_seg_map']
        shape, wanted = labels.shape, tuple(results['ori_shape'][:2])
        if shape != wanted:
            raise UserError(
                f'label map {path} has the shape {shape}, its image {results.get("img_path")} '
                f'{wanted}: a label map is a PNG with one channel and the size of the image'
            )
        if results.get('num_classes') is not None:
            _check_labels(labels, results)


def _check_labels(labels: np.ndarray, results: dict[str, Any]) -> None:
    path, classes = results['seg_map_path'], results['num_classes']
    found = np.flatnonzero(np.bincount(labels.ravel(), minlength=IGNORE + 1))
    wrong = found[(found >= classes) & (found != IGNORE)]
    if wrong.size:
        raise UserError(
            f'label map {path} has the label {", ".join(map(str, wrong.tolist()))}, '
            f'outside 0 to {classes - 1} ({classes} classes; {IGNORE} is ignored): correct '
            'the map, or the classes of the data set (--classes)'
        )
    if found.tolist() == [IGNORE] and results.get('label_map') is None:
        raise UserError(
            f'label map {path} has no label but {IGNORE}, which is ignored: nothing can be learnt '
            f'from it or tested with it. Correct the map, or remove it and its image'
        )


@TRANSFORMS.register_module()
class LoadTaskAnnotations(LoadSegAnnotations):
    """Load the label maps of all tasks of an image of :class:`mmvisx.MultiTaskDataset`.

    Sets ``gt_seg_map_{task}`` ``(H, W)`` uint8 and names it in ``seg_fields``, so that mmseg's
    transforms treat all maps alike.

    Source: 002, Table 3.2 and section 4.3.2.
    """

    def _load_seg_map(self, results: dict[str, Any]) -> None:
        shared = {key: results.get(key) for key in ('ori_shape', 'img_path')}
        for task, info in results['task_maps'].items():
            self.reduce_zero_label = None  # mmseg keeps that of the first map it sees
            single: dict[str, Any] = dict(shared, reduce_zero_label=False, seg_fields=[])
            single.update(info)
            super()._load_seg_map(single)
            name = f'gt_seg_map_{task}'
            results[name] = single['gt_seg_map']
            results['seg_fields'].append(name)


@TRANSFORMS.register_module()
class PackTaskInputs(PackSegInputs):
    """Pack the image and ``gt_sem_seg_{task}`` ``(1, H, W)`` of every task it is annotated for.

    Source: 002, Table 3.2 and section 4.3.2.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Return ``inputs`` and ``data_samples``."""
        packed = super().transform(results)
        for name in results.get('seg_fields', ()):
            if name.startswith('gt_seg_map_'):
                labels = from_numpy(results[name][None].astype(np.int64))
                field = name.replace('seg_map', 'sem_seg', 1)
                packed['data_samples'].set_data({field: PixelData(data=labels)})
        return packed
