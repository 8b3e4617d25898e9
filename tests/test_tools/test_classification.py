"""tools/train.py and tools/test.py on classifiers: ensembles, pictures, distillation, errors."""

import json

import cv2
import numpy as np
import pytest
import torch

from mmvisx.apis import run
from mmvisx.apis.ensemble import split_member
from mmvisx.models.classifiers import EnsembleClassifier
from mmvisx.utils import UserError
from mmvisx.utils.predictions import read_predictions

CLASSES = ('blue', 'green', 'red')


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    """Noisy images of three colours, 6 a class for training and 4 for testing."""
    root, random = tmp_path_factory.mktemp('colours'), np.random.default_rng(0)
    for part, count in (('train', 6), ('test', 4)):
        for channel, name in enumerate(CLASSES):
            (root / part / name).mkdir(parents=True)
            for index in range(count):
                picture = random.integers(0, 200, (16, 16, 3), dtype=np.uint8)
                picture[..., channel] += 50
                cv2.imwrite(str(root / part / name / f'{index}.png'), picture)
    return root


@pytest.fixture(scope='module')
def config(repo):
    return repo / 'tests' / 'data' / 'tiny_classifier.py'


@pytest.fixture(scope='module')
def runs(tool, config, folders, tmp_path_factory):
    """Checkpoints of two trainings with different seeds."""
    paths = []
    for seed in (0, 1):
        work = tmp_path_factory.mktemp(f'seed{seed}')
        tool('tools/train.py', config, '--work-dir', work, '--cfg-options',
             f'data_root={folders}', f'randomness.seed={seed}')  # fmt: skip
        paths.append(work / 'epoch_1.pth')
    return paths


@pytest.fixture(scope='module')
def evaluate(tool, config, folders, tmp_path_factory):
    """Test and return the predicted probabilities, image by image, or the metrics."""
    work = tmp_path_factory.mktemp('evaluate')

    def call(*arguments, out='predictions.npz', options=()):
        tool('tools/test.py', config, *arguments, '--work-dir', work, '--out', work / out,
             '--cfg-options', f'data_root={folders}', *options)  # fmt: skip
        if out.endswith('.json'):
            return json.loads((work / out).read_text())
        return read(work / out)

    return call


def read(path):
    """Probabilities ``(N, K)`` of a file of predictions, whose labels have to be their best."""
    predictions = read_predictions(path)
    scores = torch.stack([p['pred_score'] for p in predictions])
    assert torch.equal(torch.cat([p['pred_label'] for p in predictions]), scores.argmax(1))
    return scores


@pytest.fixture(scope='module')
def singles(evaluate, runs):
    """Probabilities of each run by itself."""
    return [evaluate(path) for path in runs]


def test_ensemble_averages_the_probabilities(evaluate, runs, singles):
    mean = (singles[0] + singles[1]) / 2
    assert not torch.allclose(*singles, atol=1e-2)
    assert torch.allclose(evaluate(*runs), mean, atol=1e-6)
    truth = torch.arange(3).repeat_interleave(4)
    metrics = evaluate(*runs, out='metrics.json')
    expected = 100 * (mean.argmax(1) == truth).float().mean().item()
    assert metrics['accuracy/top1'] == pytest.approx(expected)


def test_ensemble_of_one_and_the_same_is_the_member(evaluate, runs, singles):
    assert torch.allclose(evaluate(runs[0], runs[0]), singles[0], atol=1e-7)


@pytest.mark.parametrize(
    ('options', 'tolerance'),
    [((), 1e-5), (('test_cfg.fp16=True',), 0.02)],  # bfloat16 has 8 bits
    ids=['float32', 'mixed precision'],
)
def test_fusing_changes_nothing(evaluate, runs, monkeypatch, options, tolerance):
    # 12 images, 4 in a batch: 8 of them are predicted by the fused network.
    for members in ([runs[0]], runs):
        fused = evaluate(*members, options=options)
        with monkeypatch.context() as patch:
            patch.setattr(run, 'enable_fusing', lambda cfg: None)
            plain = evaluate(*members, options=options)
        assert torch.equal(fused[:4], plain[:4])
        # It is fused, which the rounding shows.
        assert options or not torch.equal(fused[4:], plain[4:])
        torch.testing.assert_close(fused, plain, rtol=tolerance, atol=tolerance)


def test_members_with_configs_of_their_own(
    tool, evaluate, runs, singles, config, folders, tmp_path
):
    other = tmp_path / 'other.py'
    text = rooted(config).replace('[127.5]', '[100.0]').replace('channels=4', 'channels=8')
    other.write_text(text.replace('in_channels=16', 'in_channels=32'))
    tool('tools/train.py', other, '--work-dir', tmp_path / 'other', '--cfg-options',
         f'data_root={folders}')  # fmt: skip
    checkpoint = tmp_path / 'other' / 'epoch_1.pth'
    tool('tools/test.py', other, checkpoint, '--out', tmp_path / 'o.npz', '--work-dir',
         tmp_path / 'work', '--cfg-options', f'data_root={folders}')  # fmt: skip
    expected = (singles[0] + read(tmp_path / 'o.npz')) / 2
    assert torch.allclose(evaluate(runs[0], f'{other}:{checkpoint}'), expected, atol=1e-6)


def rooted(config):
    """The text of the config, to be written elsewhere."""
    return config.read_text().replace("'../../configs", f"'{config.parents[2]}/configs")


def test_pairs_of_config_and_checkpoint():
    assert split_member('a/b.pth') == (None, 'a/b.pth')
    assert split_member('c/d.py:a/b.pth') == ('c/d.py', 'a/b.pth')
    assert split_member('https://host/b.pth') == (None, 'https://host/b.pth')


def test_detectors_make_no_ensemble(tool, tiny_config, tmp_path):
    with pytest.raises(UserError, match=r"classifiers, but the config.*model\.type='MaskRCNN'"):
        tool('tools/test.py', tiny_config, 'a.pth', 'b.pth', '--work-dir', tmp_path)


def test_checkpoint_of_another_network(evaluate, runs):
    with pytest.raises(UserError, match=r'epoch_1\.pth is of another model'):
        evaluate(*runs, options=['model.backbone.base_channels=8', 'model.head.in_channels=32'])
    with pytest.raises(UserError, match=r'missing\.pth does not exist'):
        evaluate(runs[0], 'missing.pth')


def test_members_of_different_kinds():
    member = dict(
        type='ImageClassifier',
        backbone=dict(type='mmvisx.CifarResNet'),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=10, in_channels=64),
    )
    other = dict(member, head=dict(member['head'], num_classes=7))
    with pytest.raises(UserError, match=r'different class counts: \{10, 7\}'):
        EnsembleClassifier([member, other])
    several = dict(type='MultiLabelLinearClsHead', num_classes=10, in_channels=64)
    with pytest.raises(UserError, match='ImageClassifier cannot be part of an ensemble'):
        EnsembleClassifier([dict(member, head=several)])
    with pytest.raises(UserError, match='a checkpoint for each of its members, not 1 for 2'):
        EnsembleClassifier([member, member], ['a.pth'])
    with pytest.raises(UserError, match='train its members one by one'):
        EnsembleClassifier([member])(torch.zeros(1, 3, 32, 32), mode='loss')


def test_pictures(evaluate, runs, folders, tmp_path):
    evaluate(runs[0], '--show-dir', tmp_path / 'show')
    # Images of one name in several class folders have a picture each.
    names = sorted(p.name for p in (tmp_path / 'show').iterdir())
    assert names == [f'{name}_{i}.png' for name in CLASSES for i in range(4)]
    drawn = cv2.imread(str(tmp_path / 'show' / 'red_2.png'))
    image = cv2.imread(str(folders / 'test' / 'red' / '2.png'))
    assert np.array_equal(drawn[:224, :224], image.repeat(14, axis=0).repeat(14, axis=1))
    assert (drawn[:, 224:].min(axis=2) < 100).sum() > 100  # text


def test_label_that_the_head_does_not_have(tool, config, folders, tmp_path):
    # mmpretrain's data set does not check what it is given.
    (tmp_path / 'train.txt').write_text('red/0.png 2\ngreen/1.png 1\nred/3.png 3\nred/2.png 2\n')
    text = rooted(config).replace('mmvisx.ImageFolder', 'CustomDataset')
    path = tmp_path / 'unchecked.py'
    path.write_text(text.replace('    num_classes=3,\n    pipeline', '    pipeline'))
    with pytest.raises(UserError, match=r'label 3 of .*red/3\.png \(train data\).*num_classes=3'):
        tool('tools/train.py', path, '--work-dir', tmp_path / 'work', '--cfg-options',
             f'data_root={folders}',
             f'train_dataloader.dataset.ann_file={tmp_path / "train.txt"}')  # fmt: skip


def test_distillation_resumes_and_averages_without_saving_the_teacher(
    tool, config, folders, runs, tmp_path
):
    def train(work, epochs, *more):
        tool('tools/train.py', config, '--work-dir', tmp_path / work, *more, '--cfg-options',
             f'data_root={folders}', 'randomness.seed=0', f'train_cfg.max_epochs={epochs}',
             'custom_hooks.0.type=EMAHook', 'model.type=mmvisx.DistillationClassifier',
             f'model.teacher={config}', f'model.teacher_checkpoint={runs[0]}')  # fmt: skip
        return torch.load(tmp_path / work / f'epoch_{epochs}.pth', weights_only=True)

    whole = train('whole', 2)
    plain = torch.load(runs[0], weights_only=True)['state_dict']
    assert set(whole['state_dict']) == set(plain)
    assert not any('teacher' in key for key in whole['ema_state_dict'])
    train('parts', 1)
    parts = train('parts', 2, '--resume')
    assert parts['meta']['epoch'] == 2
    for part in ('state_dict', 'ema_state_dict'):
        for key, value in whole[part].items():
            assert torch.equal(parts[part][key], value), key
