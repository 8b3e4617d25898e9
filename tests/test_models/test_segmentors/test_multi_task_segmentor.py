"""One trunk, two heads: losses against single-task models and slow sums, predictions, errors."""

import math

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.models import EncoderDecoder
from mmseg.structures import SegDataSample
from torch import nn

from mmvisx.registry import MODELS
from mmvisx.utils import UserError

CLASSES = dict(scene=5, part=3)
BACKBONE = dict(
    type='mmseg.ResNetV1c',
    depth=18,
    base_channels=8,
    stem_channels=8,
    num_stages=2,
    strides=(1, 2),
    dilations=(1, 1),
    out_indices=(0, 1),
    zero_init_residual=False,
    norm_cfg=dict(type='BN'),
)


def head(task, **options):
    """Return the config of a head on the second of two maps."""
    return dict(
        dict(
            type='FCNHead',
            in_channels=16,
            in_index=1,
            channels=8,
            num_convs=1,
            concat_input=False,
            dropout_ratio=0.0,
            num_classes=CLASSES[task],
            norm_cfg=dict(type='BN'),
            align_corners=False,
        ),
        **options,
    )


def build(tasks=tuple(CLASSES), **options):
    """Build a small segmentor in eval mode, where images do not see each other."""
    cfg = dict(
        type='mmvisx.MultiTaskSegmentor',
        backbone=BACKBONE,
        task_heads={task: head(task) for task in tasks},
        data_preprocessor=dict(type='mmvisx.TaskDataPreprocessor', size=(32, 40)),
    )
    torch.manual_seed(0)
    model = MODELS.build(dict(cfg, **options))
    model.init_weights()
    return model.eval()


def samples(*kinds, size=(32, 40), seed=0):
    """Draw a sample for each string of tasks; a quarter of the pixels is not labelled."""
    random = torch.Generator().manual_seed(seed)
    found = []
    for kind in kinds:
        sample = SegDataSample(
            metainfo=dict(img_path=f'{kind}.jpg', ori_shape=size, img_shape=size, pad_shape=size)
        )
        for task in kind.split():
            labels = torch.randint(0, CLASSES[task], (1, *size), generator=random)
            labels[torch.rand(labels.shape, generator=random) < 0.25] = 255
            sample.set_data({f'gt_sem_seg_{task}': PixelData(data=labels)})
        found.append(sample)
    return found


KINDS = ('scene', 'scene part', 'part', 'scene')


@pytest.fixture
def batch():
    return torch.randn(len(KINDS), 3, 32, 40), samples(*KINDS)


def slow_loss(model, inputs, data, task):
    """Mean of -log y over the labelled pixels of the images that have the task."""
    position = list(CLASSES).index(task)
    terms = []
    for image, sample in zip(inputs, data, strict=True):
        if f'gt_sem_seg_{task}' not in sample:
            continue
        logits = model(image[None], mode='tensor')[position]
        logits = nn.functional.interpolate(logits, (32, 40), mode='bilinear')[0]
        labels = sample.get(f'gt_sem_seg_{task}').data[0]
        for y, x in (labels != 255).nonzero().tolist():
            scores = logits[:, y, x].tolist()
            total = math.log(sum(math.exp(s) for s in scores))
            terms.append(total - scores[int(labels[y, x])])
    return sum(terms) / len(terms)


def test_loss_is_the_sum_of_means_over_labelled_pixels(batch):
    model = build()
    losses = model(*batch, mode='loss')
    total, logged = model.parse_losses(losses)
    with torch.no_grad():
        wanted = {task: slow_loss(model, *batch, task) for task in CLASSES}
    for task, value in wanted.items():
        assert float(losses[f'{task}.loss_ce']) == pytest.approx(value, rel=1e-5)
    assert float(total.total) == pytest.approx(sum(wanted.values()), rel=1e-5)
    assert total.images == dict(scene=3, part=2)
    assert total.batch == 4
    assert {k: float(v) for k, v in total.losses.items()} == pytest.approx(wanted, rel=1e-5)
    assert float(logged['part.images']) == 2


def test_with_one_task_it_is_mmsegs_segmentor(batch):
    ours = build(('scene',))
    theirs = EncoderDecoder(
        backbone=BACKBONE,
        decode_head=head('scene', loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
        test_cfg=ours.test_cfg,
    ).eval()
    state = {k.replace('task_heads.scene', 'decode_head'): v for k, v in ours.state_dict().items()}
    theirs.load_state_dict(state)
    data = samples(*['scene'] * 4)
    plain = samples(*['scene'] * 4)
    for sample in plain:
        sample.gt_sem_seg = sample.gt_sem_seg_scene
    inputs = batch[0]
    ours.parse_losses(ours(inputs, data, mode='loss'))[0].backward()
    theirs.parse_losses(theirs(inputs, plain, mode='loss'))[0].backward()
    named = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        other = named[name.replace('task_heads.scene', 'decode_head')].grad
        assert torch.allclose(parameter.grad, other, atol=1e-7), name
    for mine, other in zip(
        ours(inputs, data, mode='predict'), theirs(inputs, plain, mode='predict'), strict=True
    ):
        assert torch.equal(mine.pred_sem_seg_scene.data, other.pred_sem_seg.data)


def test_the_trunk_runs_once(batch):
    model = build()
    runs = []
    model.backbone.register_forward_hook(lambda *args: runs.append(1))
    model(*batch, mode='loss')
    model(*batch, mode='predict')
    assert len(runs) == 2


@pytest.mark.parametrize('kind', ['scene', 'part'])
def test_a_head_without_images_gets_a_gradient_of_zero(kind):
    model = build()
    total, logged = model.parse_losses(
        model(torch.randn(2, 3, 32, 40), samples(kind, kind), mode='loss')
    )
    total.backward()
    other = next(task for task in CLASSES if task != kind)
    assert float(logged[f'{other}.images']) == 0
    assert f'{other}.loss_ce' not in logged
    for task, module in model.task_heads.items():
        for name, parameter in module.named_parameters():
            assert parameter.grad is not None, name
            assert bool(parameter.grad.any()) == (task == kind), name
    assert all(p.grad.any() for p in model.backbone.parameters())


def test_predictions_of_every_task_have_the_size_of_the_image():
    model = build()
    data = samples('scene', size=(32, 40))
    data[0].set_metainfo(dict(ori_shape=(50, 61)))
    (result,) = model(torch.randn(1, 3, 32, 40), data, mode='predict')
    for task, classes in CLASSES.items():
        labels = result.get(f'pred_sem_seg_{task}').data
        logits = result.get(f'seg_logits_{task}').data
        assert labels.shape == (1, 50, 61)
        assert logits.shape == (classes, 50, 61)
        assert torch.equal(labels[0], logits.argmax(0))
    assert 'pred_sem_seg' not in result
    without = model(torch.randn(2, 3, 32, 40), mode='predict')
    assert [s.pred_sem_seg_part.data.shape for s in without] == [(1, 32, 40)] * 2


def test_sliding_window_of_the_images_size_is_the_whole_image():
    inputs, data = torch.randn(1, 3, 32, 40), samples('scene part')
    whole = build()(inputs, data, mode='predict')[0].clone()
    slide = build(test_cfg=dict(mode='slide', crop_size=(32, 40), stride=(16, 20)))
    result = slide(inputs, samples('scene part'), mode='predict')[0]
    for task in CLASSES:
        name = f'seg_logits_{task}'
        assert torch.allclose(whole.get(name).data, result.get(name).data, atol=1e-6)
    smaller = build(test_cfg=dict(mode='slide', crop_size=(32, 32), stride=(16, 8)))
    assert smaller(inputs, samples('part'), mode='predict')[0].pred_sem_seg_part.shape == (32, 40)


def test_preprocessor_pads_the_maps_of_all_tasks():
    model = build()
    data = samples('scene part', 'part', size=(30, 33))
    before = {
        k: {n: s.get(n).data.clone() for n in s.keys()}  # noqa: SIM118
        for k, s in enumerate(data)
    }
    out = model.data_preprocessor(
        dict(inputs=[torch.zeros(3, 30, 33)] * 2, data_samples=data), training=True
    )
    assert out['inputs'].shape == (2, 3, 32, 40)
    for k, sample in enumerate(out['data_samples']):
        assert set(sample.keys()) == set(before[k])
        for name, labels in before[k].items():
            padded = sample.get(name).data
            assert padded.shape == (1, 32, 40)
            assert torch.equal(padded[:, :30, :33], labels)
            assert (padded[:, 30:] == 255).all()
            assert (padded[:, :, 33:] == 255).all()


def test_mistakes_are_named():
    model = build()
    bad = samples('scene', '')
    bad[1].set_metainfo(dict(img_path='nothing.jpg'))
    with pytest.raises(UserError, match=r'nothing\.jpg is annotated for none of the tasks scene'):
        model(torch.randn(2, 3, 32, 40), bad, mode='loss')
    with pytest.raises(UserError, match='task_heads is empty'):
        build(task_heads={})
    for name in ('trunk', 'my_loss', 'two words'):
        with pytest.raises(UserError, match=f"task_heads\\['{name}'\\]"):
            build(task_heads={name: head('scene')})
    with pytest.raises(UserError, match='out_channels=1'):
        build(task_heads=dict(scene=head('scene', out_channels=1, num_classes=2, threshold=0.5)))
    with pytest.raises(UserError, match='align_corners'):
        build(task_heads=dict(scene=head('scene'), part=head('part', align_corners=True)))
