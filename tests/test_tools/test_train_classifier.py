"""Train and test a classifier through the tools, on a folder of small images."""

import json

import cv2
import numpy as np
import pytest
import torch

from mmvisx.utils import UserError

CONFIG = 'configs/bag_of_tricks/resnet18_d_nano_cifar10.py'
TRAIN, TEST = 4, 2


@pytest.fixture
def folders(tmp_path):
    """Ten classes of one colour each, 32x32, in ``train`` and ``test``."""
    random = np.random.default_rng(0)
    for split, count in (('train', TRAIN), ('test', TEST)):
        for index in range(10):
            folder = tmp_path / 'data' / split / f'class_{index}'
            folder.mkdir(parents=True)
            for number in range(count):
                colour = np.array([25 * index, 255 - 25 * index, 40 * (index % 5)])
                noise = random.integers(-15, 15, (32, 32, 3))
                image = np.clip(colour + noise, 0, 255).astype(np.uint8)
                cv2.imwrite(str(folder / f'{number}.png'), image)
    return tmp_path / 'data'


def options(folders, **more):
    """Return the command line's options: three epochs without worker processes."""
    values = {
        'data_root': folders,
        'train_cfg.max_epochs': 3,
        'train_cfg.val_interval': 3,
        'train_dataloader.batch_size': 8,
        'model.backbone.stem_channels': 8,
        'model.backbone.base_channels': 8,
        'model.head.in_channels': 64,
        **more,
    }
    for loader in ('train', 'val', 'test'):
        values[f'{loader}_dataloader.num_workers'] = 0
        values[f'{loader}_dataloader.persistent_workers'] = False
    return ['--cfg-options', *(f'{key}={value}' for key, value in values.items())]


def test_train_then_test(tool, repo, folders, tmp_path):
    work_dir = tmp_path / 'run'
    assert tool('tools/train.py', repo / CONFIG, '--work-dir', work_dir, *options(folders)) == 0
    logs = sorted(work_dir.glob('*/vis_data/scalars.json'))
    lines = [json.loads(line) for line in logs[-1].read_text().splitlines()]
    validated = [line for line in lines if 'accuracy/top1' in line][-1]
    out = tmp_path / 'metrics.json'
    arguments = ['--work-dir', tmp_path / 'test', '--out', out, *options(folders)]
    tool('tools/test.py', repo / CONFIG, work_dir / 'epoch_3.pth', *arguments)
    metrics = json.loads(out.read_text())
    for key in ('accuracy/top1', 'accuracy/top5'):
        assert metrics[key] == pytest.approx(validated[key])
    # 20 images
    assert metrics['accuracy/top1'] % 5 == pytest.approx(0, abs=1e-4)


def test_mixed_precision(tool, repo, folders, tmp_path):
    work_dir = tmp_path / 'run'
    arguments = ['--work-dir', work_dir, '--amp', *options(folders)]
    assert tool('tools/train.py', repo / CONFIG, *arguments) == 0
    kind = 'AmpOptimWrapper' if torch.cuda.is_available() else 'mmvisx.BFloat16OptimWrapper'
    assert f"type='{kind}'" in (work_dir / 'resnet18_d_nano_cifar10.py').read_text()
    weights = torch.load(work_dir / 'epoch_3.pth', weights_only=True)['state_dict']
    assert all(w.isfinite().all() for w in weights.values())


def remove_class(folders):
    """Take a class folder away."""
    (folders / 'train' / 'class_3').rename(folders / 'class_3')


def break_image(folders):
    """Cut an image off."""
    path = folders / 'train' / 'class_3' / '1.png'
    path.write_bytes(path.read_bytes()[:100])


def empty_class(folders):
    """Take the images of a class away."""
    for path in (folders / 'test' / 'class_3').iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ('change', 'more', 'message'),
    [
        (remove_class, {}, 'has 9 class folders, the config names 10 classes'),
        (break_image, {}, r'class_3/1\.png is truncated or broken'),
        (empty_class, {}, r'test/class_3 has no image'),
        (
            lambda _: None,
            {'model.head.num_classes': 9},
            r'model\.head\.num_classes=9, but the data set has 10 classes',
        ),
    ],
)
def test_faults_of_the_data_stop_the_training(tool, repo, folders, tmp_path, change, more, message):
    change(folders)
    with pytest.raises(UserError, match=message):
        tool(
            'tools/train.py', repo / CONFIG, '--work-dir', tmp_path / 'run',
            *options(folders, **more),
        )  # fmt: skip
