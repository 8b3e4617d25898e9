"""ViP-DeepLab: what each branch reads and learns, and what a bad config says."""

import pytest
import torch
import torch.nn.functional as F

import mmvisx.models  # noqa: F401 - registers everything
from mmvisx.models.losses.vip_deeplab_depth import depth_loss
from mmvisx.models.losses.vip_deeplab_panoptic import hardest_cross_entropy
from mmvisx.registry import MODELS
from mmvisx.utils import UserError
from tests.helpers.vip_deeplab_model import (
    backbone_parameters,
    config,
    decoder_parameters,
    head_parameters,
    targets,
)


def build(**changes):
    torch.manual_seed(0)
    return MODELS.build(dict(config(**changes), type='mmvisx.ViPDeepLab'))


def pairs(count=2):
    return torch.randn(count, 2, 3, 32, 64, generator=torch.Generator().manual_seed(1))


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_parameters_of_the_documents_branches():
    with torch.device('meta'):
        model = MODELS.build(
            dict(
                type='mmvisx.ViPDeepLab',
                backbone=dict(type='mmvisx.WideResNet41'),
                num_classes=19,
                in_channels=(256, 512, 2048),
                in_strides=(4, 8, 16),
            )
        )
    low = (512, 256)
    assert count(model.backbone) == sum(backbone_parameters())
    semantic = decoder_parameters(2048, low, (64, 32), 256)
    instance = decoder_parameters(2048, low, (32, 16), 128)
    following = decoder_parameters(4096, low, (32, 16), 128, modules=4)
    assert count(model.semantic_decoder) == semantic
    assert count(model.instance_decoder) == instance
    assert count(model.next_decoder) == following
    assert count(model.semantic_head) == head_parameters(256, 256, 19)
    assert count(model.depth_head) == head_parameters(256, 64, 1)
    assert count(model.centre_head) == head_parameters(128, 32, 1)
    assert count(model.offset_head) == count(model.next_head) == head_parameters(128, 32, 2)


def test_what_the_next_frames_branch_reads():
    model = build().eval()
    first = [x.requires_grad_() for x in (torch.rand(1, 128, 2, 4), torch.rand(1, 32, 4, 8))]
    second = [x.requires_grad_() for x in (torch.rand(1, 128, 2, 4), torch.rand(1, 32, 4, 8))]
    fine = [torch.rand(1, 16, 8, 16, requires_grad=True) for _ in range(2)]
    out = model.next_offset((first[0], [first[1], fine[0]]), (second[0], [second[1], fine[1]]))
    out.square().sum().backward()
    # Context of both frames, details of the second alone.
    assert first[0].grad.any()
    assert second[0].grad.any()
    assert first[1].grad is None
    assert fine[0].grad is None
    assert second[1].grad.any()
    assert fine[1].grad.any()


def test_the_first_frame_alone_gives_classes_centres_and_depth():
    model, inputs = build().eval(), pairs(1)
    other = inputs.clone()
    other[:, 1] += 1
    for index, (a, b) in enumerate(zip(model(inputs), model(other), strict=True)):
        assert torch.equal(a, b) == (index < 4)


def test_losses_against_a_loop():
    model, inputs = build().eval(), pairs().double()
    model.double()
    samples = [targets(32, 64, seed=n) for n in range(2)]
    found = model.loss(inputs, samples)
    maps = [
        F.interpolate(out, (32, 64), mode='bilinear', align_corners=True) for out in model(inputs)
    ]
    semantic, centre, offset, depth, following = maps
    wanted = dict.fromkeys(found, 0.0)
    for n, sample in enumerate(samples):
        true = sample.gt_targets
        hard = hardest_cross_entropy(
            semantic[n : n + 1], true.semantic, true.semantic_weight, share=0.2
        )
        wanted['loss_semantic'] += float(hard) / 2
        inside = true.centre_mask[0]
        error = (centre[n, 0] - true.centre[0])[inside] ** 2
        wanted['loss_centre'] += 200 * float(error.mean()) / 2
        for name, map_ in (('offset', offset), ('next_offset', following)):
            inside = true.get(f'{name}_mask')[0]
            error = (map_[n] - true.get(name))[:, inside].abs().sum(dim=0)
            wanted[f'loss_{name}'] += 0.01 * float(error.mean()) / 2
        metres = 20 / (1 + torch.exp(-depth[n]))
        wanted['loss_depth'] += 0.1 * float(depth_loss(metres.log(), true.depth)) / 2
    assert {k: float(v) for k, v in found.items()} == pytest.approx(wanted, rel=1e-6)


def test_every_parameter_learns():
    model = build()
    losses = model.loss(pairs(), [targets(32, 64, seed=n) for n in range(2)])
    sum(losses.values()).backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    # A bias in front of nothing but a batch norm, or behind a ReLU that is shut, would be here.
    assert not [name for name in without if 'predict' in name or 'context' in name]
    assert not [n for n, p in model.named_parameters() if p.grad is None]


def test_without_depth_and_without_the_next_frame():
    plain = build(next_frame=None, depth_head=None)
    names = [name for name, _ in plain.named_parameters()]
    assert not [name for name in names if 'next' in name or 'depth_head' in name]
    images = pairs()[:, 0]
    losses = plain.loss(images, [targets(32, 64, pairs=False, seed=n) for n in range(2)])
    assert sorted(losses) == ['loss_centre', 'loss_offset', 'loss_semantic']
    # The same weights and images give what a pair's first frame gives.
    whole = build().eval()
    plain.eval().load_state_dict(whole.state_dict(), strict=False)
    for a, b in zip(plain(images), whole(pairs()), strict=False):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_a_finer_decoder():
    model = build(
        backbone=dict(type='mmvisx.WideResNet41', width=1 / 16, out_indices=(0, 1, 2, 4)),
        in_channels=(8, 16, 32, 128),
        in_strides=(2, 4, 8, 16),
        decoder_strides=(8, 4, 2),
        **{
            name: dict(projections=(3, 2, 2), channels=6, head_channels=5, context_channels=4)
            for name in ('semantic', 'instance', 'next_frame')
        },
    ).eval()
    semantic, *_, depth, following = model(pairs(1))
    assert semantic.shape == (1, 4, 16, 32)
    assert following.shape == (1, 2, 16, 32)
    assert depth.shape == (1, 1, 32, 64)


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        (dict(in_strides=(4, 8)), r'in_strides=\(4, 8\): one for each'),
        (dict(decoder_strides=(8, 2)), r'no map of stride 2 in front of the last'),
        (dict(decoder_strides=(8,)), r'projections=\(3, 2\): one for each of the 1'),
        (dict(loss_weights=dict(center=1)), r"has \['center'\]; known are \['centre'"),
        (dict(test_cfg=dict(things=[1])), r"test_cfg of ViPDeepLab has \['things'\]; known are"),
        (dict(test_cfg=dict(tracking='iou')), "tracking='iou' is not 'regression' or 'overlap'"),
        (dict(test_cfg=dict(centre_window=4)), 'centre_window=4 must be odd'),
        (dict(test_cfg=dict(scales=(0,))), r'scales=\(0,\) must be above 0'),
        (dict(depth_head=dict(max_depth=0)), 'max_depth=0 must be above 0 metres'),
    ],
)
def test_bad_configs(changes, said):
    with pytest.raises(UserError, match=said):
        build(**changes)


def test_bad_inputs():
    model = build()
    with pytest.raises(UserError, match=r'should be \(N, 2, 3, H, W\), pairs of frames'):
        model(pairs()[:, 0])
    with pytest.raises(UserError, match=r'should be \(N, 3, H, W\), single images'):
        build(next_frame=None)(pairs())
    sample = targets(32, 64)
    del sample.gt_targets
    sample.set_metainfo(dict(img_path='a.png'))
    with pytest.raises(UserError, match=r'a\.png has no gt_targets: put mmvisx\.GeneratePanop'):
        model.loss(pairs(1), [sample])
    few = build(backbone=dict(type='mmvisx.WideResNet41', width=1 / 16, out_indices=(1, 4)))
    with pytest.raises(UserError, match='names 3 maps, and the network in front gives 2'):
        few(pairs(1))


def test_preprocessor():
    cfg = dict(type='mmvisx.FramePreprocessor', mean=[1.0, 2.0, 3.0], std=[2.0, 2.0, 4.0])
    preprocess = MODELS.build(cfg)
    frames = [torch.full((2, 3, 4, 6), 9, dtype=torch.uint8) for _ in range(3)]
    out = preprocess(dict(inputs=frames, data_samples=None))['inputs']
    assert out.shape == (3, 2, 3, 4, 6)
    assert out[1, 1, :, 2, 3].tolist() == [4.0, 3.5, 1.5]
    images = preprocess(dict(inputs=[f[0] for f in frames], data_samples=None))['inputs']
    assert torch.equal(images, out[:, 0])
    with pytest.raises(UserError, match=r'shapes \[\(2, 3, 4, 6\), \(2, 3, 4, 7\)\]: give'):
        preprocess(dict(inputs=[frames[0], torch.zeros(2, 3, 4, 7)]))
    with pytest.raises(UserError, match=r'pad_size_divisor=32 of FramePreprocessor pads'):
        MODELS.build(cfg | dict(pad_size_divisor=32))(dict(inputs=frames))
