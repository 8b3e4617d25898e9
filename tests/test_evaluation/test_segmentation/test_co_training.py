"""Mean IoU of views, by hand."""

import pytest
import torch

from mmvisx.evaluation import ViewIoU


def sample(labels, views, ensemble):
    """What a model says of an image of one row."""

    def rows(values):
        return dict(data=torch.tensor(values).reshape(-1, 1, len(labels)))

    return dict(gt_sem_seg=rows(labels), view_sem_seg=rows(views), pred_sem_seg=rows(ensemble))


def test_views_their_mean_and_the_ensemble():
    metric = ViewIoU()
    metric.dataset_meta = dict(classes=('a', 'b'))
    # The last pixel of the first image is ignored
    metric.process({}, [sample([0, 0, 1, 255], [[0, 0, 1, 1], [0, 1, 1, 0]], [0, 0, 0, 0])])
    metric.process({}, [sample([1, 1], [[1, 1], [1, 0]], [1, 1])])
    found = metric.evaluate(2)
    # View 1: class a is 1 of 3 pixels, class b 2 of 4. Ensemble: 2 of 3 and 2 of 3
    second, ensemble = 100 * (1 / 3 + 2 / 4) / 2, 100 * 2 / 3
    wanted = {'0': 100, '1': second, 'mean': (100 + second) / 2, 'ensemble': ensemble}
    assert found == pytest.approx({f'views/{k}': v for k, v in wanted.items()}, abs=0.01)
