"""Contract cases of vip_deeplab."""

import numpy as np
import torch

from tests.contract.case import MetricCase, TransformCase

META = dict(classes=('car', 'road', 'sky'), thing_classes=('car',))


def frames(right):
    """A car on a road in three frames, which moves; or nothing at all."""
    samples = []
    for number in range(3):
        true = torch.full((1, 4, 8), 1)
        true[:, :, number : number + 3] = 5000
        samples.append(
            {
                'video_id': 'clip',
                'frame_id': number,
                'gt_panoptic_seg': {'sem_seg': true},
                'pred_panoptic_seg': {
                    'sem_seg': true.clone() if right else torch.full_like(true, 255)
                },
                'gt_depth_map': {'data': torch.full((1, 4, 8), 10.0)},
                'pred_depth_map': {'data': torch.full((1, 4, 8), 11.0 + number)},
            }
        )
    return samples


METRICS = {
    'DVPQMetric': MetricCase(
        lambda folder: dict(window_sizes=(1, 3)),
        META,
        lambda: frames(right=True),
        lambda: frames(right=False),
        {'dvps/VPQ': 0.0, 'dvps/DVPQ': 0.0, 'dvps/DVPQ_k3_0.1_th': 0.0},
    ),
}

CODES = np.array([[1, 5000, 5000, 2], [0, 1, 1, 255]], np.int32)

TRANSFORMS = {
    'GeneratePanopticTargets': TransformCase(
        dict(sigma=2.0),
        lambda folder: dict(
            gt_panoptic_map=CODES.copy(),
            next_gt_panoptic_map=CODES[:, ::-1].copy(),
            gt_depth_map=np.ones(CODES.shape, np.float32),
            thing_labels=(0,),
        ),
        frozenset({'gt_targets'}),
    ),
}
