"""Mixup of two images with boxes (000, section 5.3.1, Figure 5.2)."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.structures.bbox import BaseBoxes, HorizontalBoxes
from mmdet.structures.mask import BitmapMasks, PolygonMasks

from mmvisx.registry import TRANSFORMS
from mmvisx.utils import UserError

from .detection_mixup_weights import LABELS, WeightedResults, box_weights, check_listening

# Draws, and images in order after them, that may be the image itself or dropped by the pipeline.
_DRAWS, _MOST = 8, 100
_MISSING = (
    'DetectionMixUp: {} comes without {}: load it for every image in the pipeline of the inner '
    'data set (LoadImageFromFile, LoadAnnotations)'
)
# What cv2.addWeighted takes.
_TYPES = ('uint8', 'uint16', 'int16', 'float32', 'float64')


def blend_images(first: np.ndarray, second: np.ndarray, ratio: float) -> np.ndarray:
    """Return ``ratio * first + (1 - ratio) * second`` on a zero canvas that holds both.

    Both keep their size and lie at the top left.

    Args:
        first: ``(H1, W1)`` or ``(H1, W1, C)``.
        second: ``(H2, W2)`` or ``(H2, W2, C)``.
        ratio: in [0, 1].

    Returns:
        ``(max(H1, H2), max(W1, W2)[, C])``; integer images are rounded, one image of
        integers and one of floating point numbers give the latter.

    Raises:
        UserError: The images differ in the number of channels, or in an integer type.
    """
    if first.ndim != second.ndim and 1 in (first.shape[2:] + second.shape[2:]):
        first, second = np.atleast_3d(first), np.atleast_3d(second)
    if first.shape[2:] != second.shape[2:]:
        counts = [image.shape[2] if image.ndim == 3 else 1 for image in (first, second)]
        raise UserError(
            f'an image with {counts[0]} channels cannot be mixed with one of {counts[1]}: load all '
            "with the same number, by LoadImageFromFile(color_type='color') for example"
        )
    kinds = {image.dtype for image in (first, second)}
    kind = np.result_type(*kinds)
    if kind.name not in _TYPES or (len(kinds) > 1 and kind.kind != 'f'):
        names = ' and '.join(sorted(k.name for k in kinds))
        raise UserError(
            f'images of type {names} cannot be mixed: load all as one of {", ".join(_TYPES)}, or '
            'as floating point numbers with LoadImageFromFile(to_float32=True)'
        )
    first, second = first.astype(kind, copy=False), second.astype(kind, copy=False)
    canvas = np.zeros(np.maximum(first.shape, second.shape), kind)
    height, width = np.minimum(first.shape[:2], second.shape[:2])
    parts = [(first, ratio, second, 1 - ratio, np.s_[:height, :width])]
    for image, share in ((first, ratio), (second, 1 - ratio)):
        below, right = np.s_[height : image.shape[0], : image.shape[1]], np.s_[:height, width:]
        parts += [(image, share, image, 0.0, part) for part in (below, right)]
    for one, share, other, rest, part in parts:
        if one[part].size:
            cv2.addWeighted(one[part], share, other[part], rest, 0, dst=canvas[part])
    return canvas


@TRANSFORMS.register_module()
class DetectionMixUp(BaseTransform):
    """Blend an image with a second one and keep the objects of both.

    To be used in ``mmdet.MultiImageMixDataset``, whose data set loads images and
    annotations (up to ``LoadAnnotations``); what comes after stands behind this transform
    in the ``pipeline`` of the wrapper, with ``mmvisx.PackDetInputs`` at the end. The wrapper
    copies everything before each step; ``dict(type='Compose', transforms=[...])`` around
    what stands behind this transform makes it one step, and ``LoadAnnotations(keep_instances=
    False)`` leaves out what is slowest to copy.

    Both images keep their size and lie at the top left of a zero canvas of ``max(H)`` x ``max(W)``.
    ``lambda`` is the weight of the first image and of its boxes, ``1 - lambda`` of the second image
    and of its. Boxes, labels, ignore flags and masks of both are kept, the first image's first; of
    the semantic maps the one of the heavier image (the first one's at equal weights), with the
    ignore index outside of it. Boxes that have weights already have them multiplied. ``instances``,
    the annotations as they were read, would be one image's only and are dropped.

    The weights are ``gt_bboxes_weights``, ``(N,)`` float32, and ``gt_instances.weights``
    after packing. They follow the boxes through mmdet's transforms
    (:mod:`~mmvisx.datasets.transforms.detection_mixup_weights`).

    Random numbers come from NumPy only. Without a cache, ``mmvisx.RandomStateHook`` makes the
    samples repeatable with any number of workers, and after a resume. With a cache the partner is
    one of the images that the same worker loaded last, so a run repeats only with the same number
    of workers, and a resumed run differs from the uninterrupted one for as long as the cache would
    have held images from before (with workers that are not persistent the cache starts empty in
    every epoch, so runs of whole epochs do not differ).

    Args:
        alpha: First parameter of the Beta distribution of lambda; 1 and 1 is uniform.
        beta: Second parameter.
        ratio: Fixed lambda in [0, 1] in place of the distribution.
        prob: How often an image is mixed.
        weighted: Let the boxes' weights be 1 if false, for an unweighted loss. If true,
            ``mmvisx.BoxWeightsHook`` must bring them to the loss.
        cache_size: How many of the last images the partner is drawn from, so that it need
            not be loaded (per worker; each takes its decoded size in memory). 0 draws
            from the whole data set.

    Raises:
        UserError: An argument is out of range; the data set has one image only; the images
            cannot be blended (:func:`blend_images`); boxes, masks or map are missing; a
            training runs whose loss does not follow the weights.

    Source: 000, 5.3.1, Figure 5.2.
    """

    def __init__(
        self,
        alpha: float = 1.5,
        beta: float = 1.5,
        ratio: float | None = None,
        prob: float = 1.0,
        weighted: bool = True,
        cache_size: int = 0,
    ) -> None:
        for name, value in (('alpha', alpha), ('beta', beta)):
            if not value > 0:
                raise UserError(f'DetectionMixUp({name}={value!r}) should be above 0')
        if ratio is not None and not 0 <= ratio <= 1:
            raise UserError(f'DetectionMixUp(ratio={ratio!r}) should be None or in [0, 1]')
        if not 0 <= prob <= 1:
            raise UserError(f'DetectionMixUp(prob={prob!r}) should be in [0, 1]')
        if not (isinstance(cache_size, int) and cache_size >= 0):
            raise UserError(f'DetectionMixUp(cache_size={cache_size!r}) should be 0 or a count')
        self.alpha, self.beta, self.ratio = alpha, beta, ratio
        self.prob, self.weighted, self.cache_size = prob, weighted, cache_size
        self._cache: deque[Mapping[str, Any]] = deque(maxlen=cache_size)
        self._dataset: Any = None

    def get_indexes(self, dataset: Any) -> list[int]:
        """Tell the data set, and ask the wrapper to load nothing.

        :meth:`transform` loads the partner itself: it knows which image must not be drawn
        and whether any is needed, and it need not copy it.

        Raises:
            UserError: The data set has one image only.
        """
        if self.prob > 0 and len(dataset) < 2:
            raise UserError(
                f'DetectionMixUp mixes an image with another one, but the data set has '
                f'{len(dataset)}: add images, or remove the transform'
            )
        self._dataset = dataset
        return []

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Mix ``results`` with another image, one of ``results['mix_results']`` if there are any.

        Sets ``mixup_ratio``, the lambda, and ``mixup_partner``, the partner's path.
        """
        given: Sequence[Mapping[str, Any]] = results.pop('mix_results', ())
        _check_keys(results)
        mixed = WeightedResults(results)
        if np.random.random() >= self.prob:
            mixed.set_weights(box_weights(results))
            self._remember(results, copied=True)
            return mixed
        if self.weighted:
            check_listening('DetectionMixUp')
        partner = self._partner(results, given)
        _check_keys(partner)
        self._remember(results)
        # It is slow to copy, too, which MultiImageMixDataset does before every transform.
        mixed.pop('instances', None)
        ratio = float(np.random.beta(self.alpha, self.beta)) if self.ratio is None else self.ratio
        pair = (results, partner)
        names = [_name(item) for item in pair]
        try:
            mixed['img'] = blend_images(results['img'], partner['img'], ratio)
        except UserError as error:
            raise UserError(f'DetectionMixUp, {names[0]} and {names[1]}: {error}') from None
        mixed['img_shape'] = shape = mixed['img'].shape[:2]
        mixed['mixup_ratio'], mixed['mixup_partner'] = ratio, partner.get('img_path')
        ignore_index = results.get('ignore_index', 255)
        joins: dict[str, Callable[[Any, Any], Any]] = {
            'gt_bboxes': _join_boxes,
            LABELS: _join_arrays,
            'gt_masks': lambda a, b: _join_masks(a, b, shape),
            'gt_seg_map': lambda a, b: _extend(a if ratio >= 0.5 else b, shape, ignore_index),
            'proposals': _join_boxes,
            'proposals_scores': _join_arrays,
        }
        for key, join in joins.items():
            missing = [name for name, item in zip(names, pair, strict=True) if key not in item]
            if len(missing) == 1:
                raise UserError(_MISSING.format(missing[0], key))
            if not missing:
                mixed[key] = join(results[key], partner[key])
        mixed['gt_ignore_flags'] = np.concatenate([_ignore_flags(item) for item in pair])
        factors = (ratio, 1 - ratio) if self.weighted else (1, 1)
        weights = [factor * box_weights(item) for factor, item in zip(factors, pair, strict=True)]
        mixed.set_weights(np.concatenate(weights))
        return mixed

    def _partner(
        self, results: Mapping[str, Any], given: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """Return another image: one that was given or cached, else one of the data set."""
        others = [item for item in given or self._cache if not _same_image(item, results)]
        if others:
            return others[np.random.randint(len(others))]
        if self._dataset is not None:
            count = len(self._dataset)
            # Of a few images, even many draws may all be the same one.
            for index in (*np.random.randint(count, size=_DRAWS), *range(min(count, _MOST))):
                loaded = self._dataset[int(index)]
                if loaded is not None and not _same_image(loaded, results):
                    return loaded
        raise UserError(
            f'DetectionMixUp found no second image for {_name(results)}: use it in '
            'mmdet.MultiImageMixDataset, over a data set of at least two different images'
        )

    def _remember(self, results: Mapping[str, Any], copied: bool = False) -> None:
        """Put an image into the cache; a copy if the pipeline goes on with the image itself."""
        if self.cache_size:
            self._cache.append(copy.deepcopy(results) if copied else results)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(alpha={self.alpha}, beta={self.beta}, ratio={self.ratio}, '
            f'prob={self.prob}, weighted={self.weighted}, cache_size={self.cache_size})'
        )


def _name(results: Mapping[str, Any]) -> str:
    return str(results.get('img_path') or 'an image')


def _check_keys(results: Mapping[str, Any]) -> None:
    for key in ('img', 'gt_bboxes', LABELS):
        if key not in results:
            raise UserError(_MISSING.format(_name(results), key))


def _same_image(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    for key in ('img_path', 'img_id', 'sample_idx'):
        if first.get(key) is not None and second.get(key) is not None:
            return bool(first[key] == second[key])
    return np.array_equal(first['img'], second['img'])


def _ignore_flags(results: Mapping[str, Any]) -> np.ndarray:
    flags = results.get('gt_ignore_flags')
    return np.zeros(len(results[LABELS]), bool) if flags is None else flags


def _join_arrays(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.concatenate([first, second])


def _join_boxes(first: Any, second: Any) -> Any:
    if isinstance(first, BaseBoxes) != isinstance(second, BaseBoxes):
        first, second = (
            item if isinstance(item, BaseBoxes) else HorizontalBoxes(item)
            for item in (first, second)
        )
    if isinstance(first, BaseBoxes):
        return type(first).cat([first, second])
    return _join_arrays(first, second)


def _join_masks(first: Any, second: Any, shape: tuple[int, int]) -> BitmapMasks | PolygonMasks:
    if type(first) is not type(second):
        first, second = (
            BitmapMasks(item.to_ndarray().astype(np.uint8), item.height, item.width)
            for item in (first, second)
        )
    if isinstance(first, BitmapMasks):
        masks = np.zeros((len(first) + len(second), *shape), first.masks.dtype)
        for item, part in ((first, masks[: len(first)]), (second, masks[len(first) :])):
            part[:, : item.height, : item.width] = item.masks
        return BitmapMasks(masks, *shape)
    # Polygons are not copied by pad; a cached image must not share them with the pipeline.
    return type(first).cat([copy.deepcopy(item).pad(shape) for item in (first, second)])


def _extend(labels: np.ndarray, shape: tuple[int, int], fill: int) -> np.ndarray:
    extended = np.full(shape, fill, labels.dtype)
    extended[: labels.shape[0], : labels.shape[1]] = labels
    return extended
