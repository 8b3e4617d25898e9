"""AP50 of classes that were taught, beside that of other ways to add them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from torch import nn

from mmvisx.apis.build import build_dataset
from mmvisx.apis.few_shot_box_bank import build_box_bank
from mmvisx.apis.few_shot_box_compare import (
    NearestMeanBoxes,
    RandomRow,
    compare_boxes,
    detection_ap,
)
from mmvisx.apis.few_shot_detector import TeachableDetector
from mmvisx.datasets.classification.few_shot_bank import ActivationBank
from mmvisx.datasets.shapes.render import SHAPES_CLASSES
from mmvisx.utils import UserError
from tests.helpers.few_shot_boxes import detector_weights, held_out_boxes, shapes_without

HELD = ('star', 'crescent')
LARGE = ('disc', 'square', 'triangle', 'cross')


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp('compared')
    cfg = shapes_without(folder / 'shapes', *HELD)
    checkpoint = detector_weights(cfg, folder / 'weights.pth', LARGE)
    build_box_bank(cfg, checkpoint, folder / 'bank')
    model = TeachableDetector(
        cfg, checkpoint, folder / 'bank', device='cpu', show_progress=False, shots=2
    )
    return model, folder


class Oracle:
    """Finds every object, and of one class as many wrong ones, which it is surer of."""

    def __init__(self, dataset):
        self.roi_head = self.rpn_head = self
        self.bbox_head = SimpleNamespace(fc_cls='own', num_classes=0)
        self.dataset, self.place = dataset, -1

    def data_preprocessor(self, data, training):
        self.place += 1
        return data

    def extract_feat(self, inputs):
        return None

    def predict(self, features, *given, rescale):
        if not rescale:
            return None  # as proposals
        items = self.dataset.get_data_info(self.place)['instances']
        rows = [(item['bbox'], 0.5, item['bbox_label']) for item in items]
        if self.bbox_head.fc_cls == 'wrong':
            rows += [((0, 0, 1, 1), 0.9, 0) for item in items if item['bbox_label'] == 0]
        return [
            InstanceData(
                bboxes=torch.tensor([row[0] for row in rows], dtype=torch.float32),
                scores=torch.tensor([row[1] for row in rows]),
                labels=torch.tensor([row[2] for row in rows]),
            )
        ]


def test_ap_of_an_oracle(made):
    model, _ = made
    cfg = model.cfg.copy()
    cfg.test_dataloader.dataset.metainfo = dict(classes=SHAPES_CLASSES)
    dataset = build_dataset(cfg, 'test')
    oracle = Oracle(dataset)
    right, wrong = detection_ap(oracle, cfg, ['right', 'wrong'], SHAPES_CLASSES)
    labels = [i['bbox_label'] for k in range(4) for i in dataset.get_data_info(k)['instances']]
    assert 0 in labels
    for k in set(labels):
        name = SHAPES_CLASSES[k]
        assert right[name] == pytest.approx(100)
        # As many wrong ones first: the precision is at best a half, when all are found
        assert wrong[name] == pytest.approx(50 if k == 0 else 100)
    assert oracle.bbox_head.fc_cls == 'own'


def test_rows(made):
    model, folder = made
    bank = ActivationBank(folder / 'bank')
    before = {k: v.clone() for k, v in model.model.state_dict().items()}
    boxes = held_out_boxes(folder / 'shapes', 2, *HELD)
    found = compare_boxes(model, bank, boxes, shots=2, draws=2)
    rows = ['random new weights', 'nearest mean', 'predicted, phi-1', 'predicted, phi-2']
    assert list(found) == ['before', *rows]
    assert list(found['before'][0]) == list(LARGE)
    assert [list(draw) for draw in found['predicted, phi-1']] == [[*LARGE, *HELD]] * 2
    after = model.model.state_dict()
    assert all(torch.equal(v, after[k]) for k, v in before.items())
    assert model.model.roi_head.bbox_head.num_classes == 4
    # Both boxes of each class are drawn: the row is the detector that is taught them
    for name, given in boxes.items():
        model.add_boxes(name, given)
    layer = model.model.roi_head.bbox_head.fc_cls
    taught = detection_ap(model.model, model.cfg, [layer], [*LARGE, *HELD])[0]
    assert found['predicted, phi-1'] == [pytest.approx(taught)] * 2
    for name in HELD:
        model.remove_category(name)
    with pytest.raises(UserError, match=r"1 boxes of 'crescent': fewer than the 2"):
        compare_boxes(model, bank, boxes | {'crescent': boxes['crescent'][:1]}, shots=2)


def test_layers_by_hand():
    learnt = nn.Linear(3, 4)
    regions = torch.rand(7, 3)
    found = RandomRow(learnt, 2, 0)(regions)
    torch.testing.assert_close(found[:, [0, 1, 2, 5]], learnt(regions))
    assert found[:, 3:5].abs().max() < 0.2
    assert (found[:, 3] - found[:, 4]).abs().max() > 0
    means = torch.rand(4, 3)
    scores = NearestMeanBoxes(means, 0.25)(regions).softmax(dim=1).numpy()
    for region, row in zip(regions.numpy(), scores, strict=True):
        density = np.exp(-((region - means.numpy()) ** 2).sum(axis=1) / 0.5)
        np.testing.assert_allclose(row, density / density.sum(), rtol=1e-4)
