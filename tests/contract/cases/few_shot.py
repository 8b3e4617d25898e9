"""Contract cases of few_shot."""

import numpy as np
import torch
from mmpretrain.structures import DataSample

from tests.contract.case import DatasetCase, MetricCase, ModelCase, SamplerCase
from tests.helpers.few_shot import bank_of

PREDICTOR = dict(type='mmvisx.ParameterPredictor', channels=6, depth=2)

MODELS = {
    'FourConv': ModelCase(
        dict(channels=5, out_indices=(0, 3)),
        [(2, 3, 16, 24)],
        [(2, 5, 16, 24), (2, 5, 2, 3)],
        27 * 5 + 3 * 9 * 25 + 4 * 2 * 5,
    ),
    # Stem of 8 channels; a block for each stage of 16, 32 and 64: two 3x3 and a 1x1, three norms
    'PostActivationWideResNet': ModelCase(
        dict(depth=10, widen=1, out_indices=(0, 2)),
        [(2, 3, 32, 48)],
        [(2, 16, 16, 24), (2, 64, 4, 6)],
        29 * 8 + sum(10 * c * i + 9 * c * c + 6 * c for i, c in ((8, 16), (16, 32), (32, 64))),
    ),
    # Three known classes and two new ones
    'ExtendedClsHead': ModelCase(
        dict(num_classes=5, in_channels=6, known=3), [[(2, 6)]], [(2, 5)], 5 * 6 + 5
    ),
    'TripletHead': ModelCase(dict(), [[(2, 6)]], [(2, 6)], 0),
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

# Three images of class 0, which make two pairs, two of 1, four of 2
SAMPLERS = {'PairSampler': SamplerCase({}, np.array([0, 2, 1, 0, 2, 2, 1, 0, 2]), 10)}

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
