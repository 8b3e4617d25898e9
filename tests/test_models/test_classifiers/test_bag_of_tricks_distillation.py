"""Distillation: the loss, what the teacher sees, and that it is no part of the student."""

import copy

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.model import ExponentialMovingAverage
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample

from mmvisx.models.losses.bag_of_tricks_label_smooth import smooth_labels
from mmvisx.registry import MODELS
from mmvisx.utils import UserError

CLASSES = 4


def network(channels, classes=CLASSES, **kwargs):
    """Config of a small classifier."""
    return dict(
        type='ImageClassifier',
        backbone=dict(type='mmvisx.CifarResNet', base_channels=channels, stem_channels=channels),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=classes, in_channels=4 * channels),
        **kwargs,
    )


@pytest.fixture(autouse=True)
def _scope():
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        yield


@pytest.fixture(scope='module')
def teacher(tmp_path_factory):
    """A checkpoint of a random teacher whose statistics are no longer those of the start."""
    torch.manual_seed(1)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(network(8))
    model.init_weights()
    torch.nn.init.normal_(model.head.fc.weight)
    for _ in range(20):
        model(torch.randn(8, 3, 16, 16))
    path = tmp_path_factory.mktemp('teacher') / 'teacher.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    return model.eval(), path


@pytest.fixture
def build(teacher):
    """``build(**changes)`` returns the student."""

    def make(**changes):
        torch.manual_seed(0)
        config = dict(network(4), type='mmvisx.DistillationClassifier', teacher=network(8))
        config.update(dict(teacher_checkpoint=str(teacher[1])) | changes)
        return MODELS.build(config)

    return make


def batch(size=6):
    """Images and samples."""
    samples = [DataSample().set_gt_label(i % CLASSES) for i in range(size)]
    return torch.randn(size, 3, 16, 16), samples


def soft_term(student_scores, teacher_scores, T):
    """Write the second term of Eq. 2.6 out."""
    return (
        -(T**2)
        * (F.softmax(teacher_scores / T, 1) * F.log_softmax(student_scores / T, 1)).sum(1).mean()
    )


@pytest.mark.parametrize(
    ('weights', 'temperature'), [((1.0, 1.0), 20.0), ((0.5, 0.5), 20.0), ((0.0, 2.0), 3.0)]
)
def test_loss_by_hand(build, teacher, weights, temperature):
    model = build(temperature=temperature, hard_weight=weights[0], soft_weight=weights[1])
    model.train()
    images, samples = batch()
    losses = model.loss(images, samples)
    with torch.no_grad():
        z, r = model(images), teacher[0](images)
    labels = torch.cat([s.gt_label for s in samples])
    assert losses['loss'].item() == pytest.approx(
        weights[0] * F.cross_entropy(z, labels).item(), rel=1e-4
    )
    expected = weights[1] * soft_term(z, r, temperature).item()
    assert losses['loss_distill'].item() == pytest.approx(expected, rel=1e-4)
    assert set(losses) == {'loss', 'loss_distill'}


def test_defaults_are_the_printed_equation(build):
    model = build()
    assert (model.temperature, model.hard_weight, model.soft_weight) == (20.0, 1.0, 1.0)


def test_with_smoothing_and_mixup_the_teacher_sees_the_mixed_images(build, teacher, monkeypatch):
    monkeypatch.setattr(np.random, 'beta', lambda a, b: 0.3)
    head = dict(network(4)['head'], loss=dict(type='mmvisx.LabelSmoothLoss', label_smooth_val=0.1))
    model = build(
        head=head,
        train_cfg=dict(augments=dict(type='mmvisx.MirrorMixup', alpha=0.2)),
        data_preprocessor=dict(num_classes=CLASSES, mean=[5.0] * 3, std=[2.0] * 3),
    )
    images, samples = batch()
    data = model.data_preprocessor(dict(inputs=images, data_samples=samples), training=True)
    losses = model.loss(**data)
    normal = (images - 5) / 2
    mixed = 0.3 * normal + 0.7 * normal.flip(0)
    with torch.no_grad():
        z, r = model(mixed), teacher[0](mixed)
    labels = F.one_hot(torch.arange(6) % CLASSES, CLASSES).float()
    target = smooth_labels(0.3 * labels + 0.7 * labels.flip(0), 0.1)
    hard = -(target * z.log_softmax(1)).sum(1).mean()
    assert losses['loss'].item() == pytest.approx(hard.item(), rel=1e-4)
    assert losses['loss_distill'].item() == pytest.approx(soft_term(z, r, 20.0).item(), rel=1e-4)


def test_the_teachers_own_normalisation(build, teacher):
    raw = 255 * torch.rand(4, 3, 16, 16)
    student = dict(mean=[10.0, 20.0, 30.0], std=[2.0, 3.0, 4.0], to_rgb=False)
    own = dict(mean=[110.0, 120.0, 130.0], std=[50.0, 60.0, 70.0], to_rgb=True)
    model = build(teacher=network(8, data_preprocessor=dict(own)), data_preprocessor=dict(student))
    seen = model.data_preprocessor(dict(inputs=raw.clone()))['inputs']
    scores = model.teacher.scores(seen, model.data_preprocessor)
    mean, std = (torch.tensor(own[k]).view(3, 1, 1) for k in ('mean', 'std'))
    with torch.no_grad():
        expected = teacher[0]((raw.flip(1) - mean) / std)
    assert torch.allclose(scores, expected, atol=1e-4)
    # Without a preprocessor in its config it takes the student's images.
    with torch.no_grad():
        plain = teacher[0](seen)
    assert torch.allclose(build().teacher.scores(seen, model.data_preprocessor), plain)


def test_teacher_from_a_config_file(build, teacher, tmp_path):
    text = f'model = {network(8)!r}\ndata_preprocessor = dict(mean=[1.0] * 3, std=[2.0] * 3)\n'
    (tmp_path / 'teacher.py').write_text(text)
    model = build(teacher=str(tmp_path / 'teacher.py'))
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        expected = teacher[0]((images - 1) / 2)
    scores = model.teacher.scores(images, model.data_preprocessor)
    assert torch.allclose(scores, expected, atol=1e-5)


def test_teacher_forward_has_no_graph(build):
    model = build()
    images, samples = batch()
    model.teacher.module  # noqa: B018 - loaded
    packed = []

    def count(tensor):
        packed.append(tensor)
        return tensor

    images.requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(count, lambda t: t):
        scores = model.teacher.scores(images, model.data_preprocessor)
        assert not packed
        model.loss(images, samples)
        distilled = len(packed)
        packed.clear()
        model.head.loss(model.extract_feat(images), samples)
    assert scores.grad_fn is None
    assert not scores.requires_grad
    # Beyond the plain training step only the soft loss itself saves tensors.
    assert distilled - len(packed) <= 5
    assert all(not p.requires_grad and p.grad is None for p in model.teacher.module.parameters())


def test_the_teacher_stays_in_eval_mode_and_unchanged(build, teacher):
    model = build()
    images, samples = batch()
    model.train()
    assert not model.teacher.module.training
    optim = build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=0.1)))
    model.train_step(dict(inputs=images, data_samples=samples), optim)
    model.train()
    assert not any(m.training for m in model.teacher.module.modules())
    for key, value in teacher[0].state_dict().items():
        assert torch.equal(model.teacher.module.state_dict()[key], value), key


def test_the_teacher_is_in_no_state_dict_and_no_optimizer(build):
    model = build()
    plain = MODELS.build(network(4))
    model.init_weights()
    assert set(model.state_dict()) == set(plain.state_dict())
    assert [n for n, _ in model.named_parameters()] == [n for n, _ in plain.named_parameters()]
    optim = build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=0.1)))
    optimised = {id(p) for group in optim.param_groups for p in group['params']}
    assert optimised == {id(p) for p in model.parameters()}
    assert not optimised & {id(p) for p in model.teacher.module.parameters()}
    plain.load_state_dict(model.state_dict())  # a distilled student is a plain classifier


def test_copies_share_the_teacher_and_averages_leave_it_out(build):
    model = build()
    average = ExponentialMovingAverage(model, momentum=0.5)
    assert average.module.teacher is model.teacher
    assert copy.deepcopy(model).teacher is model.teacher
    average.update_parameters(model)
    assert not any('teacher' in key for key in average.state_dict())
    images, samples = batch()
    assert set(average.module.loss(images, samples)) == {'loss', 'loss_distill'}


def test_follows_the_students_precision(build):
    model = build().double()
    images, samples = batch()
    losses = model.loss(images.double(), samples)
    assert losses['loss_distill'].dtype == torch.float64
    images = images.float()
    with torch.autocast('cpu', torch.bfloat16):
        losses = build().loss(images, samples)
    assert losses['loss_distill'].dtype == torch.float32
    losses['loss_distill'].backward()


def test_testing_needs_no_teacher(build):
    model = build(teacher_checkpoint='no/such/file.pth').eval()
    samples = model.predict(batch()[0])
    assert samples[0].pred_score.shape == (CLASSES,)


def test_loading_the_teacher_draws_no_random_numbers(build):
    torch.manual_seed(3)
    expected = torch.rand(2)
    model = build()
    torch.manual_seed(3)
    model.teacher.module  # noqa: B018 - loads
    assert torch.equal(torch.rand(2), expected)


def test_missing_checkpoint(build):
    with pytest.raises(UserError, match=r'teacher_checkpoint.*no/such/file\.pth does not exist'):
        build(teacher_checkpoint='no/such/file.pth').init_weights()


def test_checkpoint_of_another_class_count(build, tmp_path):
    torch.save(MODELS.build(network(8, classes=7)).state_dict(), tmp_path / 'seven.pth')
    message = r'seven\.pth.*other classes.*num_classes=4.*head\.fc\.weight \(7, 32\) for \(4, 32\)'
    with pytest.raises(UserError, match=message):
        build(teacher_checkpoint=str(tmp_path / 'seven.pth')).init_weights()


def test_teacher_of_another_class_count(build):
    with pytest.raises(UserError, match=r'teacher\.head\.num_classes=7.*student has 4'):
        build(teacher=network(8, classes=7))


def test_teacher_without_head(build):
    with pytest.raises(UserError, match=r'is of another network.*unknown to the model: head\.fc'):
        build(teacher=dict(network(8), head=None)).init_weights()


def test_teacher_that_gives_no_scores(build, teacher, tmp_path):
    state = teacher[0].state_dict()
    body = {key: value for key, value in state.items() if not key.startswith('head.')}
    torch.save(body, tmp_path / 'body.pth')
    model = build(
        teacher=dict(network(8), head=None), teacher_checkpoint=str(tmp_path / 'body.pth')
    )
    with pytest.raises(UserError, match=r'shape \(6, 32\), where the student has \(6, 4\)'):
        model.loss(*batch())


def test_wrong_arguments(build, tmp_path):
    with pytest.raises(UserError, match='temperature=0'):
        build(temperature=0)
    with pytest.raises(UserError, match="head='ClsHead' has no scores"):
        build(head=dict(type='ClsHead'))
    with pytest.raises(UserError, match=r'nothing\.py does not exist'):
        build(teacher=str(tmp_path / 'nothing.py'))
    (tmp_path / 'empty.py').write_text('a = 1\n')
    with pytest.raises(UserError, match=r'empty\.py.*without a model'):
        build(teacher=str(tmp_path / 'empty.py'))


@pytest.mark.realdata
def test_the_real_checkpoint_teaches(realdata):
    sizes = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
    teacher = network(16, classes=10)
    model = MODELS.build(
        dict(
            network(4, classes=10),
            type='mmvisx.DistillationClassifier',
            teacher=teacher,
            teacher_checkpoint=str(realdata / 'checkpoints' / 'resnet20_cifar10.th'),
            data_preprocessor=sizes,
        )
    )
    right = 0
    for label, folder in enumerate(sorted((realdata / 'cifar10_png' / 'test').iterdir())):
        pictures = [cv2.imread(str(path)) for path in sorted(folder.glob('*.png'))[:10]]
        images = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
        inputs = model.data_preprocessor(dict(inputs=images))['inputs']
        right += (model.teacher.scores(inputs, model.data_preprocessor).argmax(1) == label).sum()
    assert right >= 85  # 91.2 % of all


def test_from_a_config_object(build):
    cfg = Config(dict(model=dict(network(4), type='mmvisx.DistillationClassifier')))
    cfg.model.teacher = network(8)
    cfg.model.teacher_checkpoint = 'later.pth'
    with torch.device('meta'):
        assert MODELS.build(cfg.model).head.fc.weight.is_meta
