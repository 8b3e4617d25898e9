"""What every registered model promises: it runs, it learns, it saves and it has its size.

A new model gets a line in ``CASES``; a registered one without a line fails the tests.
"""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from mmengine.model import BaseDataPreprocessor, BaseTTAModel
from torch import Tensor

import mmvisx.models  # noqa: F401 - registers everything
from mmvisx.registry import MODELS

BACKBONE = dict(
    depth=14,
    base_channels=8,
    stem_channels=8,
    norm_eval=False,
    conv_cfg=dict(type='mmvisx.ConvAWS2d'),
    sac=dict(type='mmvisx.SwitchableAtrousConv2d', use_deform=True),
)


@dataclass(frozen=True)
class Case:
    """A small instance.

    Attributes:
        config: Constructor arguments.
        inputs: Shapes of the inputs; a list is one argument of several tensors.
        parameters: Exact number of parameters, counted by hand or from the reference.
        outputs: Shapes of the outputs.
    """

    config: dict[str, Any]
    inputs: list[Any]
    outputs: list[tuple[int, ...]]
    parameters: int


IMAGE = (2, 3, 64, 96)
MAPS = [(2, 32, 16, 24), (2, 64, 8, 12), (2, 128, 4, 6), (2, 256, 2, 3)]
PYRAMID = [(2, 16, 64 // s, 96 // s) for s in (4, 8, 16, 32, 64)]
PYRAMID[-1] = (2, 16, 1, 2)

CASES = {
    # 6 * 4 * 9 weights and 6 biases
    'ConvAWS2d': Case(
        dict(in_channels=4, out_channels=6, kernel_size=3), [(2, 4, 7, 9)], [(2, 6, 5, 7)], 222
    ),
    # The convolution twice (w, dw) and its bias, a switch of 4 + 1, contexts of 4 * 4 + 4 and
    # 6 * 6 + 6, two offset convolutions of 18 * (4 * 9 + 1)
    'SwitchableAtrousConv2d': Case(
        dict(in_channels=4, out_channels=6, kernel_size=3, padding=1, use_deform=True),
        [(2, 4, 7, 9)],
        [(2, 6, 7, 9)],
        2 * 216 + 6 + 5 + 20 + 42 + 2 * 18 * 37,
    ),
    # As mmdet's DetectoRS_ResNet, DetectoRS_ResNeXt and RFP with the same arguments
    'DetectoRSResNet': Case(BACKBONE, [IMAGE], MAPS, 224_263),
    'DetectoRSResNeXt': Case(dict(BACKBONE, groups=4, base_width=2), [IMAGE], MAPS, 151_255),
    # The published network's backbone: 269722 less the 10 * 64 + 10 of its last layer
    'CifarResNet': Case(dict(depth=20), [(2, 3, 32, 32)], [(2, 64, 8, 8)], 269_072),
    # The student only
    'DistillationClassifier': Case(
        dict(
            backbone=dict(type='mmvisx.CifarResNet', depth=20),
            neck=dict(type='GlobalAveragePooling'),
            head=dict(type='LinearClsHead', num_classes=10, in_channels=64),
            teacher=dict(type='ImageClassifier'),
            teacher_checkpoint='read when training starts',
        ),
        [(2, 3, 32, 32)],
        [(2, 10)],
        269_722,
    ),
    # Two students
    'EnsembleClassifier': Case(
        dict(
            members=[
                dict(
                    type='ImageClassifier',
                    backbone=dict(type='mmvisx.CifarResNet', depth=20),
                    neck=dict(type='GlobalAveragePooling'),
                    head=dict(type='LinearClsHead', num_classes=10, in_channels=64),
                )
            ]
            * 2
        ),
        [(2, 3, 32, 32)],
        [(2, 10)],
        2 * 269_722,
    ),
    # The backbone, and two heads of one 1x1 convolution
    'MultiTaskSegmentor': Case(
        dict(
            backbone=dict(type='mmvisx.CifarResNet', depth=20),
            task_heads={
                task: dict(
                    type='FCNHead',
                    num_convs=0,
                    concat_input=False,
                    in_channels=64,
                    in_index=0,
                    channels=64,
                    num_classes=classes,
                    dropout_ratio=0.0,
                )
                for task, classes in (('scene', 5), ('part', 3))
            },
        ),
        [(2, 3, 32, 32)],
        [(2, 5, 8, 8), (2, 3, 8, 8)],
        269_072 + 65 * 5 + 65 * 3,
    ),
    # As mmpretrain's ResNetV1d with the same arguments
    'ResNetTweak': Case(
        dict(base_channels=8, stem_channels=8, out_indices=(0, 1, 2, 3)), [IMAGE], MAPS, 373_532
    ),
    # Three bottlenecks of 64 channels inside, 256 outside, with 128 at the entrance
    'ResNetTweakStage': Case(
        dict(base_channels=8, stem_channels=8, norm_eval=False),
        [(2, 128, 8, 12)],
        [(2, 256, 4, 6)],
        (128 * 64 + 9 * 64**2 + 64 * 256 + 128 * 256 + 4 * 64 + 4 * 256)
        + 2 * (256 * 64 + 9 * 64**2 + 64 * 256 + 4 * 64 + 2 * 256),
    ),
    # On each of three levels a 3x3 convolution with its norm, and a 1x1 one to 3 * (5 + 3)
    'SizeWeightedYOLOV3Head': Case(
        dict(num_classes=3, in_channels=(8, 8, 8), out_channels=(8, 8, 8)),
        [[(2, 8, 3, 4), (2, 8, 6, 8), (2, 8, 12, 16)]],
        [(2, 24, 3, 4), (2, 24, 6, 8), (2, 24, 12, 16)],
        3 * (9 * 64 + 2 * 8 + 8 * 24 + 24),
    ),
    # A linear layer, until a rejuvenation splits it
    'TwoHeadLinearClsHead': Case(dict(num_classes=10, in_channels=64), [[(2, 64)]], [(2, 10)], 650),
    # 470,072 as published, without 1,000 classes
    'MobileNetV1': Case(dict(widen_factor=0.25), [IMAGE], [MAPS[-1]], 470_072 - 1000 * 257),
    # VGG-11 of 4, 8, 16, 16, 32, 32, 32 and 32 channels, two numbers of each norm
    'ConvVGG': Case(
        dict(depth=11, base_channels=4),
        [IMAGE],
        [(2, 32, 2, 3)],
        9 * (3 * 4 + 4 * 8 + 8 * 16 + 16 * 16 + 16 * 32 + 3 * 32 * 32) + 2 * 172,
    ),
    # Stem, layers on 8 and 12 channels, 16 to 8, layers on 8, 12 and 16, two numbers of each norm
    'PostActivationDenseNet': Case(
        dict(arch=(2, 3), growth=4),
        [IMAGE],
        [(2, 20, 32, 48)],
        27 * 8 + 16 * (8 + 12) + 16 * 8 + 16 * (8 + 12 + 16) + 5 * 9 * 16 * 4 + 2 * 116,
    ),
    # A bottleneck with a projection in each of three stages
    'CifarBottleneckResNet': Case(
        dict(depth=11),
        [(2, 3, 32, 32)],
        [(2, 256, 8, 8)],
        27 * 16
        + sum(i * c + 13 * c**2 + 4 * i * c for i, c in ((16, 16), (64, 32), (128, 64)))
        + 2 * (16 + 10 * 112),
    ),
    # GoogLeNet's first convolutions and inception block
    'TorchvisionFeatures': Case(
        dict(
            name='googlenet',
            layers=['inception3a'],
            arguments=dict(aux_logits=False, init_weights=False),
        ),
        [IMAGE],
        [(2, 256, 8, 12)],
        (9_408 + 128 + 4_096 + 128 + 110_592 + 384) + 155_872,
    ),
    'RecursiveFeaturePyramid': Case(
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
    # 1x1, 3x3, 1x1 with twice their 3 channels inside, a 1x1 beside them; two numbers of each norm
    'BottleneckUpdate': Case(
        dict(in_channels=6, out_channels=3, shortcut_conv=True),
        [(2, 6, 7, 9)],
        [(2, 3, 7, 9)],
        (36 + 324 + 18 + 18) + 2 * (6 + 6 + 3 + 3),
    ),
    # The same without the 1x1, twice
    'GraduallyUpdated': Case(
        dict(channels=6, num_segments=2),
        [(2, 6, 7, 9)],
        [(2, 6, 7, 9)],
        2 * ((36 + 324 + 18) + 2 * (6 + 6 + 3)),
    ),
    # Stem, entry and units of the first stage, of the second, final convolution
    'GUNN': Case(
        dict(
            arch=[(6, 2, 2, 1), (8, 2, 1, 2)], stem='cifar', final_channels=5, out_indices=(0, 1, 2)
        ),
        [(2, 3, 12, 16)],
        [(2, 6, 12, 16), (2, 8, 6, 8), (2, 5, 6, 8)],
        (27 * 64 + 128)
        + (64 * 6 + 12 + 2 * 432)
        + (6 * 8 + 16 + 2 * (32 + 144 + 16 + 16 + 144 + 16 + 32 + 2 * 7 * 4))
        + (8 * 5 + 10),
    ),
    # A 7x7 convolution; a residual block; modules of a 1x1 convolution, eight (in block 4: four)
    # 3x3 ones, of which the second of two ways up reads 24 channels, and a 1x1 one; four shortcuts;
    # the outputs' norms. Biases and two numbers of each norm everywhere.
    'StackedUNet': Case(
        dict(
            arch=dict(filters=12, modules=(1, 1, 1, 1), channels=(8, 10, 12, 14), stem_channels=3),
            out_indices=(0, 3),
        ),
        [IMAGE],
        [(2, 8, 16, 24), (2, 14, 2, 3)],
        (147 * 3 + 3)
        + (2 * 3 + 28 * 6 + 2 * 6 + 55 * 6 + 4 * 6)
        + sum(
            (2 * i + (i + 1) * 12)
            + (8 if levels == 2 else 4) * (2 * 12 + 109 * 12)
            + (2 * 12 + 108 * 12 if levels == 2 else 0)
            + (2 * 12 + 13 * o)
            + (i + 1) * o
            for i, o, levels in ((6, 8, 2), (8, 10, 2), (10, 12, 2), (12, 14, 1))
        )
        + 2 * (8 + 14),
    ),
    # Two 3x3 convolutions with norms, a classifier
    'DeGriddingHead': Case(
        dict(in_channels=6, channels=4, num_classes=3),
        [[(2, 6, 8, 12)]],
        [(2, 3, 8, 12)],
        (55 * 4 + 8) + (37 * 4 + 8) + 5 * 3,
    ),
    # AlexNet's 61,100,840 less its three fully connected layers
    'FCNFeatures': Case(
        dict(name='alexnet', fully_connected=False),
        [IMAGE],
        [(2, 64, 7, 11), (2, 192, 3, 5), (2, 256, 1, 2)],
        61_100_840 - 9217 * 4096 - 4097 * 4096 - 4097 * 1000,
    ),
    # A classifier on each level; upsampling by 2 and by 8
    'FCNSkipHead': Case(
        dict(in_channels=(4, 6), strides=(8, 16), num_classes=3),
        [[(2, 4, 8, 12), (2, 6, 4, 6)]],
        [(2, 3, 64, 96)],
        (5 + 7) * 3 + (4**2 + 16**2) * 9,
    ),
}


def build(name):
    """Build the model of a case with every parameter alive."""
    model = MODELS.get(name)(**CASES[name].config)
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(0, 0.05)
    model.eval()
    return model


def make_inputs(shapes):
    """Draw the inputs of a case."""
    if isinstance(shapes, list):
        return [make_inputs(shape) for shape in shapes]
    return torch.randn(shapes)


def outputs(model, inputs):
    """Run and return the tensors of the output."""
    result = model(*inputs)
    if isinstance(result, tuple) and isinstance(result[0], tuple):
        result = result[0]
    return [result] if isinstance(result, Tensor) else [r for r in result if isinstance(r, Tensor)]


def own_models():
    """Names of the registered models of this package."""
    # A wrapper for testing has no parameters of its own, nor has a preprocessor, a loss, an
    # augmentation, or a head that only passes scores on.
    return sorted(
        name
        for name, model in MODELS.module_dict.items()
        if not issubclass(model, BaseTTAModel | BaseDataPreprocessor)
        and not {'losses', 'batch_augments'} & set(model.__module__.split('.'))
        and name != 'ScoresHead'
    )


def test_every_registered_model_has_a_case():
    assert set(own_models()) == set(CASES)


@pytest.mark.parametrize('name', CASES)
def test_forward(name):
    case = CASES[name]
    outs = outputs(build(name), make_inputs(case.inputs))
    assert [tuple(out.shape) for out in outs] == case.outputs
    assert all(out.isfinite().all() for out in outs)


@pytest.mark.parametrize('training', [False, True])
@pytest.mark.parametrize('name', CASES)
def test_gradient_reaches_every_parameter(name, training):
    model = build(name)
    model.train(training)
    outs = outputs(model, make_inputs(CASES[name].inputs))
    sum((out * torch.randn_like(out)).sum() for out in outs).backward()
    for key, parameter in model.named_parameters():
        assert parameter.requires_grad, key
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        # Of a bias in front of batch norm only rounding is left in training.
        assert training or parameter.grad.any(), key


@pytest.mark.parametrize('name', CASES)
def test_state_dict_round_trip(name, tmp_path):
    model, other = build(name), build(name)
    torch.save(model.state_dict(), tmp_path / 'weights.pth')
    other.load_state_dict(torch.load(tmp_path / 'weights.pth', weights_only=True), strict=True)
    inputs = make_inputs(CASES[name].inputs)
    with torch.no_grad():
        for a, b in zip(outputs(model, inputs), outputs(other, inputs), strict=True):
            assert torch.equal(a, b)


@pytest.mark.parametrize('name', CASES)
def test_exact_parameter_count(name):
    assert sum(p.numel() for p in build(name).parameters()) == CASES[name].parameters


@pytest.mark.parametrize('name', CASES)
def test_evaluation_changes_nothing(name):
    model = build(name)
    inputs = make_inputs(CASES[name].inputs)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with torch.no_grad():
        first, second = outputs(model, inputs), outputs(model, inputs)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
