"""Co-trained segmentors against a loop over pixels."""

from itertools import chain

import pytest
import torch
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from mmseg.registry import MODELS as MMSEG_MODELS
from mmseg.structures import SegDataSample
from torch import nn

from mmvisx.models.segmentors import CoTrainingSegmentor
from mmvisx.utils import UserError
from tests.helpers.co_training import MEAN, STD

SIDE, CLASSES = 3, 4
B, M = 2, 3  # labelled images of a view, unlabelled ones


@MMSEG_MODELS.register_module(force=True)
class Unchanged(nn.Module):
    """A backbone that gives its images."""

    def forward(self, x):
        """Return ``(N, C, H, W)``."""
        return (x,)


def pixelwise(classes=CLASSES, **options):
    """Config of a segmentor that is one 1x1 convolution."""
    head = dict(
        type='FCNHead',
        in_channels=3,
        channels=3,
        num_convs=0,
        concat_input=False,
        num_classes=classes,
        in_index=0,
        dropout_ratio=0.0,
        align_corners=False,
    )
    return dict(dict(type='EncoderDecoder', backbone=dict(type='Unchanged'), decode_head=head)) | (
        options
    )


def small(channels=4):
    """Config of a segmentor with batch norm that gives scores at a quarter of the size."""
    backbone = dict(type='mmvisx.CifarResNet', base_channels=channels, stem_channels=channels)
    head = dict(pixelwise()['decode_head'], in_channels=4 * channels, channels=4 * channels)
    return dict(type='EncoderDecoder', backbone=backbone, decode_head=head)


def segmentor(views=2, **options):
    """Return a model in float64 with normalised images."""
    torch.manual_seed(0)
    views = [pixelwise() for _ in range(views)] if isinstance(views, int) else views
    preprocessor = dict(mean=MEAN, std=STD, size=(SIDE, SIDE))
    with DefaultScope.overwrite_default_scope('mmseg'):
        model = CoTrainingSegmentor(views, data_preprocessor=preprocessor, **options)
    for parameter in model.parameters():
        nn.init.normal_(parameter, 0, 0.3)
    return model.double().train()


def batch_of(bundles=1, side=SIDE, ignored=True):
    """Return images ``[b_1, b_2, b_u]`` of every bundle, and samples, labelled ones with maps."""
    generator = torch.Generator().manual_seed(3)
    count = bundles * (2 * B + M)
    images = torch.randn(count, 3, side, side, dtype=torch.float64, generator=generator)
    samples = []
    for index in range(count):
        sample = SegDataSample()
        if index % (2 * B + M) < 2 * B:
            labels = torch.randint(0, CLASSES, (1, side, side), generator=generator)
            if ignored:
                labels[0, index % side] = 255
            sample.gt_sem_seg = PixelData(data=labels)
        samples.append(sample)
    return images, samples


def softmax(z):
    e = (z - z.max()).exp()
    return e / e.sum()


def entropy(p, q=None):
    return -sum(a * b.log() for a, b in zip(p, p if q is None else q, strict=True))


def pixels_of(image):
    return [image[:, row, column] for row in range(image.shape[1]) for column in range(SIDE)]


def attacked(w, c, x, label):
    """The adversarial pixel of a 1x1 convolution: the gradient of -log p_y is W^T (p - y)."""
    p = softmax(w @ x + c).detach()
    y = torch.zeros_like(p)
    y[label if 0 <= label < 255 else int(p.argmax())] = 1
    steps = 0.02 * 255 / torch.tensor(STD, dtype=torch.float64)
    return x + steps * (w.detach().T @ (p - y)).sign()


def algorithm_1(nets, bundle, cot, dif):
    """The loss L of Algorithm 1, pixel by pixel.

    Args:
        nets: (W, c) of p_1 and p_2.
        bundle: Lists of (x, y) of the pixels of b_1 and b_2, and of x of those of b_u.
    """
    b_1, b_2, b_u = bundle

    def p(i, x):
        return softmax(nets[i][0] @ x + nets[i][1])

    sup = 0
    for i, own in ((0, b_1), (1, b_2)):
        losses = [-p(i, x)[y].log() for x, y in own if y != 255]
        sup = sup + sum(losses) / len(losses)
    agree = 0
    for x in b_u:
        one, two = p(0, x), p(1, x)
        agree = agree + entropy((one + two) / 2) - (entropy(one) + entropy(two)) / 2
    differ = 0
    for i, own in ((0, b_1), (1, b_2)):
        for x, y in [*own, *((x, -1) for x in b_u)]:
            differ = differ + entropy(p(i, x), p(1 - i, attacked(*nets[i], x, y)))
    return sup + cot * agree / len(b_u) + dif * differ / (len(b_1) + len(b_u))


def bundle_pixels(images, samples):
    """Cut a batch of one bundle into the pixels of (b_1, b_2, b_u)."""
    known = [
        list(zip(pixels_of(x), s.gt_sem_seg.data.flatten().tolist(), strict=True))
        for x, s in zip(images[: 2 * B], samples[: 2 * B], strict=True)
    ]
    unknown = [pixel for x in images[2 * B :] for pixel in pixels_of(x)]
    return list(chain(*known[:B])), list(chain(*known[B:])), unknown


def total(losses):
    return losses['loss_sup'] + losses['loss_cot'] + losses['loss_dif']


def weights(model, i):
    conv = model.views[i].decode_head.conv_seg
    return conv.weight[:, :, 0, 0], conv.bias


@pytest.mark.parametrize('ignored', [False, True])
def test_a_whole_step_against_a_loop_over_pixels(ignored):
    cot, dif = 3.0, 0.7
    model = segmentor(lambda_cot=cot, lambda_dif=dif, real=False)
    images, samples = batch_of(ignored=ignored)
    loss = total(model.loss(images, samples))
    nets = [weights(model, i) for i in (0, 1)]
    wanted = algorithm_1(nets, bundle_pixels(images, samples), cot, dif)
    assert abs(loss - wanted) < 1e-8
    parameters = list(model.parameters())
    found = torch.autograd.grad(loss, parameters)
    for one, other in zip(found, torch.autograd.grad(wanted, parameters), strict=True):
        assert (one - other).abs().max() < 1e-8


def test_ignored_pixels_have_no_part_in_the_loss_of_the_labels():
    model = segmentor(real=False)
    images, samples = batch_of()
    before = model.loss(images, samples)
    other = images.clone()
    for image, sample in zip(other[: 2 * B], samples[: 2 * B], strict=True):
        image[:, sample.gt_sem_seg.data[0] == 255] += 5.0
    after = model.loss(other, samples)
    assert torch.equal(before['loss_sup'], after['loss_sup'])
    assert not torch.equal(before['loss_dif'], after['loss_dif'])


def test_maps_without_a_label_leave_a_finite_loss():
    model = segmentor(real=False)
    images, samples = batch_of()
    for sample in samples[: 2 * B]:
        sample.gt_sem_seg.data[:] = 255
    found = model.loss(images, samples)
    assert found['loss_sup'] == 0
    total(found).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_four_segmentors_of_different_sizes_learn():
    model = segmentor([small(4), small(4), small(6), small(6)])
    total(model.loss(*batch_of(2, side=16))).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_segmentors_spread_over_devices_learn_and_predict_alike():
    plain, spread = segmentor(), segmentor(devices=['cpu', 'cpu'])
    spread.init_weights()
    spread.load_state_dict(plain.state_dict())
    assert spread.is_spread
    batch = batch_of()
    one, other = plain.loss(*batch), spread.loss(*batch)
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    found = [model.eval().predict(batch[0]) for model in (plain, spread)]
    for a, b in zip(*found, strict=True):
        assert torch.equal(a.view_sem_seg.data, b.view_sem_seg.data)


def test_each_view_predicts_as_alone_and_the_whole_predicts_the_mean():
    model = segmentor([small(4), small(6)]).eval()
    images = batch_of(side=16)[0]
    meta = dict(ori_shape=(20, 24), img_shape=(16, 15), padding_size=(0, 1, 0, 0))
    with torch.no_grad():
        found = model(images, [SegDataSample(metainfo=meta) for _ in images], mode='predict')
        for index, view in enumerate(model.views):
            alone = view.predict(images, [SegDataSample(metainfo=meta) for _ in images])
            for sample, own in zip(found, alone, strict=True):
                assert torch.equal(sample.view_sem_seg.data[index], own.pred_sem_seg.data[0])
        assert found[0].pred_sem_seg.data.shape == (1, 20, 24)
        plain = model(images, mode='predict')
        probabilities = model(images)
    sizes = [view(images).shape for view in model.views]
    assert sizes == [(len(images), CLASSES, 4, 4)] * 2
    assert probabilities.shape == (len(images), CLASSES, 16, 16)
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(len(images), 16, 16).double())
    for sample, mean in zip(plain, probabilities, strict=True):
        torch.testing.assert_close(sample.seg_logits.data.softmax(dim=0), mean)
        assert torch.equal(sample.pred_sem_seg.data[0], mean.argmax(dim=0))


@pytest.mark.parametrize(
    ('views', 'message'),
    [
        ([pixelwise()], 'at least 2 views, not 1'),
        ([pixelwise(4), pixelwise(5)], r'different numbers of classes: \[4, 5\]'),
        ([pixelwise(), pixelwise(data_preprocessor=dict())], 'view 1 has a data_preprocessor'),
        ([pixelwise(), dict(type='Unchanged')], 'view 1, Unchanged, is no EncoderDecoder'),
        (
            [pixelwise(auxiliary_head=pixelwise()['decode_head']), pixelwise()],
            'view 0 has an auxiliary_head.*leave it out',
        ),
    ],
)
def test_views_that_are_refused(views, message):
    with pytest.raises(UserError, match=message):
        segmentor(views)


def test_batches_that_are_no_bundles():
    images, samples = batch_of(2)
    with pytest.raises(UserError, match='14 images is not made of 1 bundles'):
        segmentor().loss(images, samples)
