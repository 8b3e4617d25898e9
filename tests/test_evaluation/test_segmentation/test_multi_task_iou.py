"""Mean IoU and loss against slow counts."""

import math

import numpy as np
import pytest
import torch

from mmvisx.evaluation import TaskIoUMetric
from mmvisx.utils import UserError

META = dict(
    classes=('a', 'b'),
    tasks=dict(
        scene=dict(classes=('a', 'b', 'c', 'd'), palette=[[0, 0, 0]] * 4),
        part=dict(classes=('x', 'y', 'z'), palette=[[0, 0, 0]] * 3),
    ),
)


def random_samples(task, classes, count=4, seed=0):
    """Draw images of different sizes with logits, predictions and labels, a fifth of them 255."""
    random = torch.Generator().manual_seed(seed)
    samples = []
    for index in range(count):
        shape = (5 + index, 9 - index)
        labels = torch.randint(0, classes, (1, *shape), generator=random)
        labels[torch.rand(1, *shape, generator=random) < 0.2] = 255
        logits = torch.randn(classes, *shape, generator=random)
        suffix = f'_{task}' if task else ''
        samples.append(
            {
                f'gt_sem_seg{suffix}': dict(data=labels),
                f'seg_logits{suffix}': dict(data=logits),
                f'pred_sem_seg{suffix}': dict(data=logits.argmax(0, keepdim=True)),
            }
        )
    return samples


def slow(samples, task, classes):
    """Eq. 5.1 and the cross-entropy, pixel by pixel."""
    suffix = f'_{task}' if task else ''
    n = np.zeros((classes, classes), int)  # labelled i, predicted j
    losses = []
    for sample in samples:
        labels, logits = sample[f'gt_sem_seg{suffix}']['data'][0], sample[f'seg_logits{suffix}']
        for y in range(labels.shape[0]):
            for x in range(labels.shape[1]):
                label = int(labels[y, x])
                if label == 255:
                    continue
                scores = [float(s) for s in logits['data'][:, y, x]]
                n[label, scores.index(max(scores))] += 1
                losses.append(math.log(sum(math.exp(s) for s in scores)) - scores[label])
    ious = [n[i, i] / (n[i].sum() + n[:, i].sum() - n[i, i]) for i in range(classes)]
    return 100 * sum(ious) / classes, sum(losses) / len(losses)


@pytest.mark.parametrize(('task', 'classes'), [('scene', 4), ('part', 3), (None, 2)])
@pytest.mark.parametrize('seed', range(3))
def test_random_maps_with_ignored_pixels(task, classes, seed):
    samples = random_samples(task, classes, seed=seed)
    metric = TaskIoUMetric(task)
    metric.dataset_meta = META
    for sample in samples:
        metric.process({}, [sample])
    result = metric.evaluate(len(samples))
    miou, loss = slow(samples, task, classes)
    prefix = f'{task}/' if task else ''
    assert result[f'{prefix}mIoU'] == pytest.approx(miou, abs=0.006)  # mmseg rounds
    assert result[f'{prefix}val_loss'] == pytest.approx(loss, rel=1e-5)


def test_labels_of_another_name():
    """Training images beside held-out ones: the same head, each counted on its own."""
    held_out, seen = random_samples('part', 3), random_samples('part', 3, seed=1)
    for sample in seen:
        sample['gt_sem_seg_part_train'] = sample.pop('gt_sem_seg_part')
    meta = dict(META, tasks=dict(META['tasks'], part_train=META['tasks']['part']))
    for labels, samples in ((None, held_out), ('part_train', seen)):
        metric = TaskIoUMetric('part', labels=labels)
        metric.dataset_meta = meta
        metric.process({}, [*held_out, *seen])
        result = metric.evaluate(len(held_out) + len(seen))
        alone = random_samples('part', 3, seed=0 if samples is held_out else 1)
        miou, loss = slow(alone, 'part', 3)
        assert result[f'{labels or "part"}/mIoU'] == pytest.approx(miou, abs=0.006)
        assert result[f'{labels or "part"}/val_loss'] == pytest.approx(loss, rel=1e-5)


def test_images_of_the_other_task_are_left_out():
    metric = TaskIoUMetric('part')
    metric.dataset_meta = META
    mine, others = random_samples('part', 3), random_samples('scene', 4)
    metric.process({}, [*mine, *others])
    alone = TaskIoUMetric('part')
    alone.dataset_meta = META
    alone.process({}, mine)
    assert metric.evaluate(8) == alone.evaluate(4)


def test_unknown_task_and_no_image_are_named():
    metric = TaskIoUMetric('depth')
    with pytest.raises(UserError, match=r"no task 'depth'; it has scene, part"):
        metric.dataset_meta = META
    metric = TaskIoUMetric('part')
    metric.dataset_meta = META
    metric.process({}, random_samples('scene', 4))
    with pytest.raises(UserError, match=r"no image .* 'part'"):
        metric.compute_metrics(metric.results)
