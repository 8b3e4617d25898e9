"""Contract cases of detectors."""

import json

import numpy as np
import torch
from mmdet.structures import INSTANCE_OFFSET
from PIL import Image

from mmvisx.evaluation.panoptic.format import id_to_rgb
from tests.contract.case import IMAGE, MAPS, MetricCase, ModelCase

BACKBONE = dict(
    depth=14,
    base_channels=8,
    stem_channels=8,
    norm_eval=False,
    conv_cfg=dict(type='mmvisx.ConvAWS2d'),
    sac=dict(type='mmvisx.SwitchableAtrousConv2d', use_deform=True),
)

PYRAMID = [(2, 16, 64 // s, 96 // s) for s in (4, 8, 16, 32)] + [(2, 16, 1, 2)]

MODELS = {
    # 6 * 4 * 9 weights and 6 biases
    'ConvAWS2d': ModelCase(
        dict(in_channels=4, out_channels=6, kernel_size=3), [(2, 4, 7, 9)], [(2, 6, 5, 7)], 222
    ),
    # The convolution twice (w, dw) and its bias, a switch of 4 + 1, contexts of 4 * 4 + 4 and
    # 6 * 6 + 6, two offset convolutions of 18 * (4 * 9 + 1)
    'SwitchableAtrousConv2d': ModelCase(
        dict(in_channels=4, out_channels=6, kernel_size=3, padding=1, use_deform=True),
        [(2, 4, 7, 9)],
        [(2, 6, 7, 9)],
        2 * 216 + 6 + 5 + 20 + 42 + 2 * 18 * 37,
    ),
    # As mmdet's DetectoRS_ResNet, DetectoRS_ResNeXt and RFP with the same arguments
    'DetectoRSResNet': ModelCase(BACKBONE, [IMAGE], MAPS, 224_263),
    'DetectoRSResNeXt': ModelCase(dict(BACKBONE, groups=4, base_width=2), [IMAGE], MAPS, 151_255),
    'RecursiveFeaturePyramid': ModelCase(
        dict(
            in_channels=[32, 64, 128, 256],
            out_channels=16,
            num_outs=5,
            aspp_out_channels=4,
            rfp_backbone=dict(BACKBONE, type='mmvisx.DetectoRSResNet', rfp_inplanes=16),
        ),
        [[IMAGE, *MAPS]],
        PYRAMID,
        250_216,
    ),
}


THINGS = ('person', 'sky')


def panoptic(folder):
    """Two images: a person and sky; another person alone."""
    (folder / 'truth').mkdir()
    annotations = []
    for number, categories in ((7, [1, 187]), (8, [1])):
        ids = np.zeros((4, 10), np.int32)
        segments = []
        for k, category in enumerate(categories, 1):
            ids[:, 4 * k - 4 : 4 * k] = k * 1000
            segments.append({'id': k * 1000, 'category_id': category, 'iscrowd': 0})
        Image.fromarray(id_to_rgb(ids)).save(folder / 'truth' / f'{number}.png')
        annotations.append(
            {'image_id': number, 'file_name': f'{number}.png', 'segments_info': segments}
        )
    categories = [
        {'id': 187, 'name': 'sky', 'isthing': 0},
        {'id': 1, 'name': 'person', 'isthing': 1},
    ]
    (folder / 'truth.json').write_text(
        json.dumps({'annotations': annotations, 'categories': categories})
    )
    return dict(ann_file=str(folder / 'truth.json'))


def panoptic_samples(empty=False):
    """The first image right, and a person that is too narrow."""
    first = [0] * 4 + [1] * 4 + [2] * 2
    second = [INSTANCE_OFFSET] * 3 + [2] * 7
    return [
        {
            'img_id': number,
            'pred_panoptic_seg': {
                'sem_seg': torch.tensor([2] * 10 if empty else row).expand(1, 4, 10).clone()
            },
        }
        for number, row in ((7, first), (8, second))
    ]


METRICS = {
    'PanopticQualityMetric': MetricCase(
        panoptic,
        dict(classes=THINGS),
        panoptic_samples,
        lambda: panoptic_samples(empty=True),
        {'panoptic/PQ': 0.0},
    ),
}
