"""mmseg's mean IoU against Eq. 5.1 of 002, pixel by pixel; 255 counts nowhere."""

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.evaluation import IoUMetric
from mmseg.structures import SegDataSample


def evaluate(pairs, classes, kind=IoUMetric, **arguments):
    """Return what the metric says of ``(prediction, labels)`` pairs of one data set."""
    metric = kind(**arguments)
    metric.dataset_meta = dict(classes=[f'class {n}' for n in range(classes)])
    for prediction, labels in pairs:
        sample = SegDataSample(
            pred_sem_seg=PixelData(data=torch.as_tensor(prediction)[None]),
            gt_sem_seg=PixelData(data=torch.as_tensor(labels)[None]),
        )
        metric.process({}, [sample.to_dict()])
    return metric.evaluate(len(pairs))


def mean_iou(pairs, classes):
    """Eq. 5.1 by counting: ``n_ij`` pixels of class i predicted to be class j."""
    n = [[0] * classes for _ in range(classes)]
    for prediction, labels in pairs:
        for row_p, row_l in zip(prediction.tolist(), labels.tolist(), strict=True):
            for j, i in zip(row_p, row_l, strict=True):
                if i != 255:
                    n[i][j] += 1
    ratios = []
    for i in range(classes):
        union = sum(n[i]) + sum(n[j][i] for j in range(classes)) - n[i][i]
        if union:  # 0 / 0 for a class that is nowhere
            ratios.append(n[i][i] / union)
    return sum(ratios) / len(ratios)


def random_pairs(classes, seed, ignored=0.2, share=0.6, kinds=None):
    """Maps of different sizes whose predictions are right for a share of the pixels."""
    random = np.random.default_rng(seed)
    pairs = []
    for _ in range(5):
        size = random.integers(5, 30, 2)
        labels = random.integers(0, kinds or classes, size)
        prediction = np.where(
            random.random(size) < share, labels, random.integers(0, kinds or classes, size)
        )
        labels = np.where(random.random(size) < ignored, 255, labels)
        pairs.append((prediction, labels))
    return pairs


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('classes', [2, 7, 21])
def test_random_maps(classes, seed):
    pairs = random_pairs(classes, seed)
    found = evaluate(pairs, classes)['mIoU']
    # The metric rounds percents to two places.
    assert found == pytest.approx(100 * mean_iou(pairs, classes), abs=0.0051)


def test_classes_that_are_nowhere_are_left_out():
    pairs = random_pairs(9, 0, kinds=4)
    assert evaluate(pairs, 9)['mIoU'] == pytest.approx(100 * mean_iou(pairs, 9), abs=0.0051)
    assert evaluate(pairs, 9)['mIoU'] == evaluate(pairs, 4)['mIoU']


def test_by_hand():
    """Of class 0 two of three pixels of the union, of class 1 one of two."""
    labels = np.array([[0, 0], [1, 0], [255, 255]])
    prediction = np.array([[0, 0], [1, 1], [0, 1]])
    expected = 100 * (2 / 3 + 1 / 2) / 2
    assert evaluate([(prediction, labels)], 2)['mIoU'] == pytest.approx(expected, abs=0.0051)


def test_what_is_predicted_at_ignored_pixels_does_not_matter():
    labels = np.array([[0, 1, 255, 255]])
    values = {
        evaluate([(np.array([[0, 1, a, b]]), labels)], 3)['mIoU']
        for a in range(3)
        for b in range(3)
    }
    assert values == {100.0}


def test_one_image_at_a_time_is_not_the_mean_of_images():
    """Pixels of all images are counted together."""
    first = (np.array([[0] * 9 + [1]]), np.array([[0] * 9 + [1]]))
    second = (np.array([[0, 1]]), np.array([[1, 0]]))
    expected = 100 * (9 / 11 + 1 / 3) / 2
    assert evaluate([first, second], 2)['mIoU'] == pytest.approx(expected, abs=0.0051)


def test_a_single_wrong_pixel_of_a_large_map_is_counted():
    labels = np.zeros((1000, 1000), np.uint8)
    prediction = labels.copy()
    prediction[0, 0] = 1
    result = IoUMetric.intersect_and_union(torch.tensor(prediction), torch.tensor(labels), 2, 255)
    intersection, union, predicted, labelled = (r.tolist() for r in result)
    assert intersection == [999_999, 0]
    assert union == [1_000_000, 1]
    assert predicted == [999_999, 1]
    assert labelled == [1_000_000, 0]
