"""The gap of the scores by hand, and the picture of a checkpoint."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmvisx.analysis.bag_of_tricks_label_smooth_gap import LabelSmoothGap, score_gap
from mmvisx.apis.build import build_model, build_test_loader
from mmvisx.apis.run import prepare_config
from mmvisx.utils import UserError


def test_gap_by_hand():
    scores = torch.tensor([[1.0, 4.0, -2.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    assert score_gap(scores).tolist() == pytest.approx([4 - (1 - 2 + 0) / 3, 0])


@pytest.fixture
def config(repo):
    return repo / 'tests' / 'data' / 'tiny_classifier.py'


@pytest.fixture
def folders(tmp_path):
    random = np.random.default_rng(0)
    for name in 'abc':
        (tmp_path / 'images' / 'test' / name).mkdir(parents=True)
        for index in range(3):
            picture = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            cv2.imwrite(str(tmp_path / 'images' / 'test' / name / f'{index}.png'), picture)
    return tmp_path / 'images'


def test_gaps_of_a_model_are_those_of_its_scores(config, folders):
    cfg = prepare_config(config, options={'data_root': str(folders)})
    model = build_model(cfg)
    torch.nn.init.normal_(model.head.fc.weight)
    gaps, classes = LabelSmoothGap().measure(model, build_test_loader(cfg))
    expected = []
    for path in sorted((folders / 'test').glob('*/*.png')):
        image = torch.from_numpy(cv2.imread(str(path))).permute(2, 0, 1)[None]
        with torch.no_grad():
            z = sorted(model((image - 127.5) / 60)[0].tolist())
        expected.append(z[2] - (z[0] + z[1]) / 2)
    assert classes == 3
    assert gaps == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(('epsilon', 'mode'), [(0.0, 'printed'), (0.3, 'coded')])
def test_picture_at_the_ends(epsilon, mode, tmp_path):
    gaps = {'a': np.random.default_rng(0).normal(5, 1, 50)}
    assert LabelSmoothGap(epsilon, mode).draw(gaps, 10, tmp_path / 'a.png').is_file()


def test_no_test_data():
    with pytest.raises(UserError, match='no test_dataloader'):
        build_test_loader(Config({}))
