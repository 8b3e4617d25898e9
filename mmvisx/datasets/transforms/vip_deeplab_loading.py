"""Load frames with segments and depth."""

from __future__ import annotations

from typing import Any

from mmcv.transforms import BaseTransform

from mmvisx.datasets.panoptic.vip_deeplab_files import read_codes, read_depth
from mmvisx.registry import TRANSFORMS
from mmvisx.utils.errors import UserError

from .loading import decode_image

__all__ = ['LoadPanopticFrames']


@TRANSFORMS.register_module()
class LoadPanopticFrames(BaseTransform):
    """Load one frame of :class:`mmvisx.DVPSDataset`, or both of a pair.

    Sets ``img`` ``(H, W, 3)`` uint8 BGR, ``gt_panoptic_map`` ``(H, W)`` int32 (class + 1000 x id,
    void 255), where there is depth ``gt_depth_map`` ``(H, W)`` float32 in metres (0 unknown), of
    a pair the same with ``next_`` before it, and ``img_shape`` and ``ori_shape``.

    Raises:
        UserError: A file is missing or broken, the sizes of a frame's maps or of a pair differ,
            or a map has impossible values (see :func:`read_codes` and :func:`read_depth`).

    Source: 001, 7.4.1 and Figure 7-5.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Load."""
        for prefix in ('', 'next_'):
            if f'{prefix}img_path' in results:
                self._load(results, prefix)
        results['img_shape'] = results['ori_shape'] = results['img'].shape[:2]
        _check_size(results, 'next_img', 'next_img_path')
        return results

    @staticmethod
    def _load(results: dict[str, Any], prefix: str) -> None:
        path = results[f'{prefix}img_path']
        image = decode_image(path, 'check data_root of the data set', 'color', 'cv2', None)
        results[f'{prefix}img'] = image
        maps = {
            'gt_panoptic_map': read_codes(
                results[f'{prefix}label_paths'],
                results['layout'],
                results['num_classes'],
                results['thing_labels'],
            )
        }
        paths = {'gt_panoptic_map': results[f'{prefix}label_paths'][0]}
        depth_path = results.get(f'{prefix}depth_path')
        if depth_path is not None:
            maps['gt_depth_map'], paths['gt_depth_map'] = read_depth(depth_path), depth_path
        for name, values in maps.items():
            if values.shape != image.shape[:2]:
                raise UserError(f'{_sizes(paths[name], values.shape, path, image.shape)}')
            results[f'{prefix}{name}'] = values


def _check_size(results: dict[str, Any], key: str, path: str) -> None:
    if key in results and results[key].shape != results['img'].shape:
        shapes = results[key].shape, results['img'].shape
        raise UserError(
            _sizes(results[path], shapes[0], results['img_path'], shapes[1])
            + '; the frames of a clip have one size'
        )


def _sizes(path: str, shape: tuple[int, ...], image: str, wanted: tuple[int, ...]) -> str:
    return (
        f'{path} has {shape[1]}x{shape[0]} pixels (width x height), {image} {wanted[1]}x{wanted[0]}'
    )
