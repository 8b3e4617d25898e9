"""Contract cases of few_shot."""

import torch
from mmpretrain.structures import DataSample

from tests.contract.case import DatasetCase, MetricCase, ModelCase
from tests.helpers.few_shot import bank_of

PREDICTOR = dict(type='mmvisx.ParameterPredictor', channels=6, depth=2)

MODELS = {
    'FourConv': ModelCase(
        dict(channels=5, out_indices=(0, 3)),
        [(2, 3, 16, 24)],
        [(2, 5, 16, 24), (2, 5, 2, 3)],
        27 * 5 + 3 * 9 * 25 + 4 * 2 * 5,
    ),
    # Two layers of a matrix and a bias
    'ParameterPredictor': ModelCase(dict(channels=6, depth=2), [(5, 6)], [(5, 6)], 2 * (6 * 6 + 6)),
    # The predictor; five classes, seven images
    'PredictorTraining': ModelCase(
        dict(predictor=PREDICTOR), [[(5, 6)], [(7, 6)], [(7,)]], [(7, 5)], 2 * (6 * 6 + 6)
    ),
    # The predictor, which has made the weights already
    'PredictedHead': ModelCase(
        dict(predictor=PREDICTOR, num_large=5),
        [[(2, 6)]],
        [(2, 5)],
        2 * (6 * 6 + 6),
        frozen=('predictor.',),
    ),
}

CLASSES = tuple(f'class {k}' for k in range(4))


def sets(folder):
    """Seven steps on a bank of four classes."""
    return dict(bank=bank_of(folder / 'bank').folder, steps=7, p_mean=0.5)


def batches(folder):
    """26 images in three batches."""
    bank = bank_of(folder / 'bank').folder
    return dict(bank=bank, means=bank, batch_size=10)


DATASETS = {
    'StatisticSets': DatasetCase(sets, 7, CLASSES),
    'BankBatches': DatasetCase(batches, 3, CLASSES),
}


def images(right):
    """Four images of two large and two few classes, with scores for each class."""
    scores = torch.eye(4) if right else torch.zeros(4, 4)
    return [DataSample().set_gt_label(k).set_pred_score(scores[k]).to_dict() for k in (0, 1, 2, 3)]


METRICS = {
    # Of equal scores the first class counts as predicted
    'JointAccuracy': MetricCase(
        lambda folder: dict(num_large=2, topk=(1,)),
        dict(classes=CLASSES),
        lambda: images(right=True),
        lambda: images(right=False),
        {'large/top1': 50.0, 'few/top1': 0.0},
    ),
}
