"""The monitor against a loop from the definitions, without a trace in training, and its alarm."""

import json
import random
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy
from torch import nn

from mmvisx.apis.run import build_runner
from mmvisx.engine.hooks import EqualViewsHook, ViewMonitorHook
from mmvisx.engine.hooks import co_training_monitor as monitor
from mmvisx.engine.hooks.co_training_monitor import compare_views
from mmvisx.models.segmentors import CoTrainingSegmentor
from mmvisx.ops.co_training_monitor import ViewNumbers
from mmvisx.utils import UserError
from tests.contract.trainings import training
from tests.helpers.co_training import STD, batch_of, co_training, convolutional
from tests.helpers.loggers import forget_loggers

NAMES = ('dif', 'dif_kl', 'own_fooling', 'transferred_fooling', 'disagreement', 'jsd')


def by_the_definitions(model, images, labels, step):
    """Numbers of two views, an image at a time."""
    views = [view.eval() for view in model.views]
    rows = {name: [] for name in NAMES}
    move = step * 255 / torch.tensor(STD).double().view(3, 1, 1)

    def says(view, image):
        return view(image[None], mode='tensor').softmax(dim=1)[0].detach().numpy()

    for image, label in zip(images, labels.tolist(), strict=True):
        clean = [says(view, image) for view in views]
        g = []
        for view, p in zip(views, clean, strict=True):
            pixels = image.clone().requires_grad_()
            target = torch.tensor([label if label >= 0 else p.argmax()])
            loss = F.cross_entropy(view(pixels[None], mode='tensor'), target)
            g.append(image + move * torch.autograd.grad(loss, pixels)[0].sign())
        crossed = [(clean[i], says(views[1 - i], g[i])) for i in range(2)]
        rows['dif'].append(sum(-(p * np.log(q)).sum() for p, q in crossed))
        rows['dif_kl'].append(sum(entropy(p, q) for p, q in crossed))
        for i, j in product(range(2), range(2)):
            name = 'own_fooling' if i == j else 'transferred_fooling'
            rows[name].append(says(views[j], g[i]).argmax() != clean[j].argmax())
        if label < 0:
            rows['disagreement'].append(clean[0].argmax() != clean[1].argmax())
            rows['jsd'].append(jensenshannon(*clean) ** 2)
    return {name: np.mean(values) for name, values in rows.items()}


@pytest.mark.parametrize('options', [dict(), dict(lambda_dif=0.0), dict(attack='shared')])
def test_against_the_definitions(options):
    model = co_training(view=convolutional(), step=0.1, **options)
    images, samples = batch_of(size=8, b=5, m=12)
    model.loss(images, samples)  # running statistics that are not those of the start
    with torch.no_grad():
        for view in model.views:  # answers that differ, and can be changed
            view.head.fc.weight *= 30
            view.head.fc.bias -= view.eval()(images, mode='tensor').mean(dim=0)
            view.train()
    labels = torch.cat([sample.gt_label for sample in samples])
    found = compare_views(model, images, labels).summary()
    assert model.training
    wanted = by_the_definitions(model, images, labels, step=0.1)
    assert found == pytest.approx(wanted, rel=1e-9)
    assert 0 < wanted['transferred_fooling'] < 1
    assert 0 < wanted['disagreement'] < 1


def train(work, folder, *hooks, epochs=4, lambda_dif=0.5, dropout=0.5):
    """Train two views for a step an epoch, with a random attack."""
    forget_loggers()
    cfg = training('co-trained', folder)
    view = dict(
        cfg.model.views[0], backbone=dict(type='mmvisx.CNN13', width=1 / 32, dropout=dropout)
    )
    view['head'] = dict(view['head'], in_channels=4)
    cfg.model.update(views=[view, view], lambda_dif=lambda_dif)
    cfg.train_cfg.max_epochs = epochs
    cfg.default_hooks.logger = ConfigDict(type='LoggerHook', interval=1)
    cfg.custom_hooks = [ConfigDict(hook) for hook in hooks]
    cfg.work_dir, cfg.experiment_name = str(work), work.name
    runner = build_runner(cfg)
    runner.model.attack = random_attack
    runner.train()
    return runner


def random_attack(network, images, labels, black, white):
    draw = random.random() + np.random.rand()
    return images + draw * torch.rand_like(images)


def state_of(runner):
    found = {name: value.clone() for name, value in runner.model.state_dict().items()}
    for index, state in runner.optim_wrapper.state_dict()['state'].items():
        found[f'momentum {index}'] = state['momentum_buffer']
    found['torch'] = torch.get_rng_state()
    found['numpy'] = torch.tensor(np.random.get_state()[1].astype(np.int64))
    found['python'] = torch.tensor(random.getstate()[1])
    return found


def scalars(runner):
    text = (Path(runner.log_dir) / 'vis_data' / 'scalars.json').read_text()
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def data(tmp_path):
    """Makes folders for the same images."""
    return iter([tmp_path / name for name in 'abc']).__next__


def test_training_is_bit_for_bit_as_without_it(tmp_path, data):
    plain = train(tmp_path / 'plain', data())
    before = state_of(plain)
    watched = train(tmp_path / 'watched', data(), dict(type='mmvisx.ViewMonitorHook', interval=1))
    after = state_of(watched)
    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    gradients = [
        [None if p.grad is None else p.grad.clone() for p in runner.model.parameters()]
        for runner in (plain, watched)
    ]
    assert all(a is b or torch.equal(a, b) for a, b in zip(*gradients, strict=True))
    assert all(part.training for part in watched.model.modules())
    lines = [line for line in scalars(watched) if 'view_monitor.dif' in line]
    assert [line['step'] for line in lines] == [1, 2, 3, 4]
    assert all({f'view_monitor.{name}' for name in NAMES} < line.keys() for line in lines)
    assert not any('view_monitor.dif' in line for line in scalars(plain))


def test_also_without_the_difference_and_every_so_often(tmp_path, data):
    hook = dict(type='mmvisx.ViewMonitorHook', interval=3)
    lines = scalars(train(tmp_path, data(), hook, epochs=7, lambda_dif=0.0))
    assert not any('dif' in line for line in lines)
    found = {line['step']: line['view_monitor.dif'] for line in lines if 'view_monitor.dif' in line}
    assert list(found) == [3, 6]
    assert all(value > 0 for value in found.values())


class Runner(SimpleNamespace):
    """What the hook asks of a runner, with a model of two views."""

    def __init__(self, model=None):
        model = model or co_training(2, step=0.1, real=False)
        self.told, self.records = [], []
        logger = SimpleNamespace(warning=self.told.append)
        visualizer = SimpleNamespace(add_scalars=lambda record, step: self.records.append(record))
        super().__init__(model=model, iter=0, logger=logger, visualizer=visualizer)
        images, self.samples = batch_of(bundles=len(model.views) // 2, b=5, m=12)
        self.images = images * torch.tensor(STD).view(3, 1, 1)  # normalised again by the model
        model.data_preprocessor.to_rgb = False

    def go(self, hook, steps=1, change=None):
        for _ in range(steps):
            batch = dict(inputs=self.images, data_samples=list(self.samples))
            if change is not None:
                change.before_train_iter(self, 0, batch)
            hook.before_train_iter(self, 0, batch)
            self.iter += 1


def made(own, transferred, disagreement):
    fooled = torch.tensor([[own, transferred], [transferred, own]]).double()
    apart = torch.tensor([[0.0, disagreement], [disagreement, 0.0]]).double()
    return ViewNumbers(fooled, apart, apart, apart, apart)


def test_the_alarm_with_made_numbers(monkeypatch):
    runner, hook = Runner(), ViewMonitorHook(interval=1, in_a_row=2)
    for numbers in [
        made(0.5, 0.47, 0.005),
        made(0.5, 0.2, 0.0),  # not in a row
        made(0.5, 0.47, 0.005),
        made(0.5, 0.46, 0.01),
        made(0.5, 0.5, 0.0),  # told already
    ]:
        monkeypatch.setattr(monitor, 'compare_views', lambda *args, found=numbers: found)
        runner.go(hook)
    (text,) = runner.told
    assert text == (
        'iteration 4: views 0 and 1 have collapsed into one: their own adversarial examples fool '
        "50 % of the time, the other's 46 %, and they disagree on 1 % of the unlabelled images "
        '(2 comparisons in a row): raise model.lambda_dif (now 0.5), or start them from different '
        'weights with different labelled images'
    )
    stopping = ViewMonitorHook(interval=1, in_a_row=1, on_collapse='stop')
    with pytest.raises(UserError, match=r'iteration 6: views 0 and 1 have collapsed'):
        runner.go(stopping)


def test_equal_views_set_it_off_and_different_ones_do_not():
    runner, equal = Runner(), EqualViewsHook()
    runner.go(ViewMonitorHook(interval=1), steps=4)
    assert runner.told == []
    runner = Runner()
    equal.before_train(runner)
    runner.go(ViewMonitorHook(interval=1), steps=4, change=equal)
    assert len(runner.told) == 1
    assert 'iteration 3' in runner.told[0]
    assert 'they disagree on 0 %' in runner.told[0]
    last = runner.records[-1]
    assert last['view_monitor.own_fooling'] == last['view_monitor.transferred_fooling'] > 0.02


def test_of_four_views_two_are_equal():
    runner = Runner(co_training(4, step=0.1, real=False))
    views = runner.model.views
    views[3].load_state_dict(views[1].state_dict())
    runner.go(ViewMonitorHook(interval=1), steps=3)
    assert len(runner.told) == 1
    assert 'views 1 and 3 have collapsed' in runner.told[0]


def test_pixels_of_segmentors_and_samples_that_stay():
    size = dict(size=(8, 8), pad_val=0, seg_pad_val=255)
    preprocessor = dict(size, mean=[0.0] * 3, std=[1.0] * 3)
    head = dict(type='FCNHead', in_channels=16, channels=8, num_convs=1, num_classes=3)
    view = dict(
        type='EncoderDecoder',
        backbone=dict(type='mmvisx.CifarResNet', base_channels=4, stem_channels=4),
        decode_head=dict(head, concat_input=False),
    )
    with DefaultScope.overwrite_default_scope('mmseg'):
        runner = Runner(CoTrainingSegmentor([view, view], data_preprocessor=preprocessor))
    runner.images, runner.samples = [torch.rand(3, 6, 8) * 255] * 5, []
    for k in range(5):
        sample = SegDataSample(metainfo=dict(img_shape=(6, 8)))
        if k < 2:
            sample.gt_sem_seg = PixelData(data=torch.zeros(1, 6, 8, dtype=torch.long))
        runner.samples.append(sample)
    runner.go(ViewMonitorHook(interval=1))
    assert runner.samples[0].gt_sem_seg.data.shape == (1, 6, 8)  # not padded yet
    (record,) = runner.records
    assert record['view_monitor.dif'] > 0


def test_equal_views_stay_equal_in_training(tmp_path, data):
    views = []
    for name, hooks in (('equal', [dict(type='mmvisx.EqualViewsHook')]), ('other', [])):
        runner = train(tmp_path / name, data(), *hooks, lambda_dif=0.0, dropout=0.0)
        views.append([dict(view.named_parameters()) for view in runner.model.views])
    (first, second), (one, other) = views
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], rtol=0, atol=1e-6)
    assert not torch.allclose(one['head.fc.weight'], other['head.fc.weight'], atol=1e-2)


def test_both_get_the_labelled_images_of_the_first():
    images, samples = torch.arange(20.0).view(20, 1, 1, 1), batch_of(bundles=2, b=3, m=4)[1]
    labels = [int(sample.gt_label) for sample in samples]
    batch = dict(inputs=images, data_samples=list(samples))
    model = co_training(4)
    EqualViewsHook().before_train_iter(SimpleNamespace(model=model), 0, batch)
    wanted = [0, 1, 2, 0, 1, 2, 6, 7, 8, 9]
    wanted += [10 + k for k in wanted]
    assert images.flatten().tolist() == wanted
    assert [int(sample.gt_label) for sample in batch['data_samples']] == [labels[k] for k in wanted]


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(interval=0), 'interval=0'),
        (dict(in_a_row=0), 'in_a_row=0'),
        (dict(near=1.5), r'near=1\.5 of ViewMonitorHook should be from 0 to 1'),
        (dict(apart=-0.1), 'apart='),
        (dict(on_collapse='raise'), "on_collapse='raise' should be 'warn' or 'stop'"),
    ],
)
def test_arguments_that_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        ViewMonitorHook(**options)


def test_models_that_are_refused():
    plain = SimpleNamespace(model=nn.Identity(), iter=0)
    with pytest.raises(UserError, match='Identity has no views to compare'):
        ViewMonitorHook().before_train(plain)
    with pytest.raises(UserError, match='Identity has no views'):
        EqualViewsHook().before_train(plain)
    model = co_training([convolutional(), convolutional(channels=8)])
    with pytest.raises(UserError, match='view 1 is another network than view 0'):
        EqualViewsHook().before_train(SimpleNamespace(model=model, iter=0))
