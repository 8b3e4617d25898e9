"""Boxes, pixels and weights stay together through transforms that keep every box."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.registry import TRANSFORMS

from mmvisx.datasets.transforms import DetectionMixUp, PackDetInputs
from tests.helpers.detection_mixup_samples import painted


def colour_boxes(image, ratio):
    """``{label: (x1, y1, x2, y2)}`` and ``{label: mask}`` as the pixels of a mix show them."""
    found, masks = {}, {}
    for channel, factor in enumerate((ratio, 1 - ratio)):
        values = np.rint(image[..., channel] / factor).astype(int)
        for label in np.unique(values[values > 0]):
            ys, xs = np.nonzero(values == label)
            found[label] = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
            masks[label] = values == label
    return found, masks


# Transforms that keep every box of which anything is seen, and how far a box may be from its
# pixels' rectangle afterwards: scaling by s moves an edge of pixels by up to s / 2.
scales = st.tuples(st.integers(8, 70), st.integers(8, 70))
steps = st.one_of(
    st.builds(
        lambda scale, keep: {
            'type': 'mmdet.Resize',
            'scale': scale,
            'keep_ratio': keep,
            'interpolation': 'nearest',
        },
        scales,
        st.booleans(),
    ),
    st.builds(
        lambda direction: {'type': 'mmdet.RandomFlip', 'prob': 1.0, 'direction': direction},
        st.sampled_from(['horizontal', 'vertical', 'diagonal']),
    ),
    st.builds(
        lambda size, recompute: {
            'type': 'mmdet.RandomCrop',
            'crop_size': size,
            'allow_negative_crop': True,
            'recompute_bbox': recompute,
        },
        scales,
        st.booleans(),
    ),
    st.builds(lambda size: {'type': 'mmdet.Pad', 'size_divisor': size}, st.sampled_from([7, 32])),
)


def run(results, transforms, seed):
    """Results, and how far a box's edge may be from its pixels' edge.

    Nearest-neighbour resizing rounds the edge of the pixels, and multiplies what was there.
    """
    np.random.seed(seed)
    error = 0.0
    for transform in transforms:
        results = TRANSFORMS.build(transform)(results)
        if transform['type'] == 'mmdet.Resize':
            error = error * max(results['scale_factor']) + 1
    return results, error


@settings(max_examples=80, deadline=None)
@given(
    painted('a', 0),
    painted('b', 1),
    st.floats(0.1, 0.9),
    st.lists(steps, max_size=4),
    st.integers(0, 999),
)
def test_no_box_lost_none_moved_weights_paired(first, second, ratio, transforms, seed):
    origin = {
        label: (box, np.float32(factor), flag)
        for item, factor in ((first, ratio), (second, 1 - ratio))
        for label, box, flag in zip(
            item['gt_bboxes_labels'].tolist(),
            item['gt_bboxes'].tensor.tolist(),
            item['gt_ignore_flags'],
            strict=True,
        )
    }
    mixed = DetectionMixUp(ratio=ratio)({**first, 'mix_results': [second]})
    seen, _ = colour_boxes(mixed['img'], ratio)
    assert mixed['gt_bboxes_labels'].tolist() == list(origin)
    assert seen == {label: tuple(box) for label, (box, _, _) in origin.items()}

    results, error = run(mixed, transforms, seed)
    seen, seen_masks = colour_boxes(results['img'], ratio)
    kept = results['gt_bboxes_labels'].tolist()
    assert set(kept) <= set(origin)
    for label in set(seen) - set(kept):  # the box was outside of a crop, rounded pixels were not
        x1, y1, x2, y2 = seen[label]
        assert min(x2 - x1, y2 - y1) <= error
    assert len(kept) == len(set(kept))
    for label, box, weight, flag, mask in zip(
        kept,
        results['gt_bboxes'].tensor.tolist(),
        results['gt_bboxes_weights'],
        results['gt_ignore_flags'],
        results['gt_masks'].masks,
        strict=True,
    ):
        assert 0 <= weight <= 1
        assert (weight, flag) == origin[label][1:]
        assert np.array_equal(mask > 0, seen_masks.get(label, np.zeros_like(mask, bool)))
        if label in seen:
            assert box == pytest.approx(seen[label], abs=error + 1e-3)
    packed = PackDetInputs()(results)['data_samples']
    for instances in (packed.gt_instances, packed.ignored_instances):
        expected = [origin[label][1] for label in instances.labels.tolist()]
        assert instances.weights.tolist() == expected
