"""Contract cases of vip_deeplab."""

import numpy as np
import torch

from tests.contract.case import LossCase, MetricCase, ModelCase, TransformCase
from tests.helpers.vip_deeplab_model import WIDTH, backbone_parameters, config, nano_parameters

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

MODELS = {
    'WideResNet41': ModelCase(
        dict(width=WIDTH, drop_path_rate=0.0),
        [(2, 3, 64, 96)],
        [(2, 16, 16, 24), (2, 32, 8, 12), (2, 128, 4, 6)],
        sum(backbone_parameters(WIDTH)),
    ),
    'ViPDeepLab': ModelCase(
        config(),
        [(2, 2, 3, 32, 64)],
        [(2, 4, 8, 16), (2, 1, 8, 16), (2, 2, 8, 16), (2, 1, 16, 32), (2, 2, 8, 16)],
        nano_parameters(),
    ),
}

DRAW = torch.Generator().manual_seed(0)
LOSSES = {
    'DepthLoss': LossCase({}, (2, 4, 5), 1 + 30 * torch.rand(2, 4, 5, generator=DRAW)),
    'HardestCrossEntropyLoss': LossCase(
        dict(share=1.0), (2, 3, 4, 5), torch.randint(0, 3, (2, 4, 5), generator=DRAW)
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
