"""Files of predictions: everything comes back, and nothing is run."""

import io
import pickle
import zipfile

import numpy as np
import pytest
import torch

from mmvisx.analysis.detection_ap_gain import read_class_ap
from mmvisx.utils import UserError
from mmvisx.utils.predictions import read_predictions, write_predictions
from tests.helpers.hostile import Call, touch

DETECTION = dict(
    img_path='päth/a.jpg',
    img_id=np.int64(3),
    ori_shape=(48, 64),
    scale_factor=None,
    pred_instances=dict(
        bboxes=torch.tensor([[0.1, 2, 3, 4]]),
        labels=torch.tensor([7]),
        masks=[dict(size=[48, 64], counts=b'abc0')],
    ),
)
EMPTY = dict(
    img_path='b.jpg',
    pred_instances=dict(bboxes=torch.zeros(0, 4), labels=torch.zeros(0).long(), masks=[]),
)


def test_detections_come_back(tmp_path):
    write_predictions(tmp_path / 'x.npz', [DETECTION, EMPTY] * 6)
    found = read_predictions(tmp_path / 'x.npz')
    assert len(found) == 12  # 10 does not stand between 1 and 2
    first, second = found[10:]
    assert first['img_path'] == 'päth/a.jpg'
    assert (first['img_id'], first['ori_shape'], first['scale_factor']) == (3, [48, 64], None)
    boxes = first['pred_instances']['bboxes']
    assert torch.equal(boxes, DETECTION['pred_instances']['bboxes'])
    assert first['pred_instances']['labels'].dtype == torch.int64
    assert first['pred_instances']['masks'] == [dict(size=[48, 64], counts='abc0')]
    assert second['pred_instances']['bboxes'].shape == (0, 4)
    assert second['pred_instances']['masks'] == []


def test_maps_and_scores_come_back(tmp_path):
    sample = dict(
        pred_sem_seg=dict(data=torch.arange(6).reshape(1, 2, 3).to(torch.uint8)),
        pred_score=torch.rand(3, dtype=torch.float64),
        flags=np.array([True, False]),
        half=torch.tensor([0.1, 1e30], dtype=torch.bfloat16),
    )
    write_predictions(tmp_path / 'x.npz', [sample])
    (found,) = read_predictions(tmp_path / 'x.npz')
    assert torch.equal(found['pred_sem_seg']['data'], sample['pred_sem_seg']['data'])
    assert torch.equal(found['pred_score'], sample['pred_score'])
    assert found['flags'].tolist() == [True, False]
    assert torch.equal(found['half'], sample['half'].float())


def hostile_pickle(path, canary):
    path.write_bytes(pickle.dumps([Call(touch, str(canary))]))


def hostile_array(path, canary):
    np.savez(path, **{'0/pred_instances': np.array([Call(touch, str(canary))], dtype=object)})


def hostile_member(path, canary):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, dict(descr='|O', fortran_order=False, shape=(1,)))
    stream.write(pickle.dumps(Call(touch, str(canary))))
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('0/pred_instances.npy', stream.getvalue())


HOSTILE = (hostile_pickle, hostile_array, hostile_member)


@pytest.mark.parametrize('make', HOSTILE)
def test_the_hostile_files_are_hostile(make, tmp_path):
    make(tmp_path / 'x.npz', tmp_path / 'canary')
    found = np.load(tmp_path / 'x.npz', allow_pickle=True)
    if not isinstance(found, list):
        list(found.values())
    assert (tmp_path / 'canary').exists()


@pytest.mark.parametrize('make', HOSTILE)
@pytest.mark.parametrize('name', ['x.npz', 'x.pkl'])
def test_nothing_of_predictions_is_run(make, name, tmp_path):
    make(tmp_path / 'x.npz', tmp_path / 'canary')
    path = (tmp_path / 'x.npz').rename(tmp_path / name)
    for read in (read_predictions, lambda path: read_class_ap(path, dataset=list)):
        with pytest.raises(UserError, match=r'x\.(npz|pkl)'):
            read(path)
    assert not (tmp_path / 'canary').exists()
