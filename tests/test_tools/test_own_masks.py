"""Segmentors on somebody's own images and masks: each fault is one line that names it."""

import json

import numpy as np
import pytest
from PIL import Image

from mmvisx.utils import UserError

CLASSES = ('ground', 'ball', 'box')
SINGLE = """
default_scope = 'mmseg'
data_root = 'to be given'
head = dict(type='FCNHead', in_channels=4, channels=4, in_index=0, num_convs=1, num_classes=3)
head['loss_decode'] = dict(type='CrossEntropyLoss', avg_non_ignore=True)
backbone = dict(type='mmvisx.CifarResNet', base_channels=4, stem_channels=4, out_indices=(0,))
preprocessor = dict(type='SegDataPreProcessor', mean=[120.0] * 3, std=[60.0] * 3, size=(32, 40))
model = dict(type='EncoderDecoder', data_preprocessor=preprocessor, backbone=backbone,
             decode_head=head, test_cfg=dict(mode='whole'))
steps = [dict(type='mmvisx.LoadImageFromFile'), dict(type='mmvisx.LoadSegAnnotations'),
         dict(type='PackSegInputs')]
dataset = dict(type='mmvisx.SegmentationDataset', data_root=data_root, pipeline=steps,
               metainfo=dict(classes=('ground', 'ball', 'box')), serialize_data=False)
prefixes = {k: dict(img_path=f'images/{k}', seg_map_path=f'masks/{k}') for k in ('train', 'val')}
loader = dict(batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False))
train_dataloader = dict(loader, dataset=dict(dataset, data_prefix=prefixes['train']))
val_dataloader = dict(loader, dataset=dict(dataset, data_prefix=prefixes['val'], test_mode=True))
test_dataloader = val_dataloader
val_evaluator = dict(type='mmvisx.TaskIoUMetric')
test_evaluator = val_evaluator
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.01))
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=1, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
"""
# Serializing collects all garbage, which takes seconds here.
SEVERAL = """
_base_ = './single.py'
load = [dict(type='mmvisx.LoadImageFromFile'), dict(type='mmvisx.LoadTaskAnnotations'),
        dict(type='mmvisx.PackTaskInputs')]
sets = {k: dict(type='mmvisx.MultiTaskDataset', pipeline=load, test_mode=k == 'val',
               serialize_data=False, tasks={
            task: dict(type='mmvisx.SegmentationDataset', data_root=_base_.data_root,
                       data_prefix=_base_.prefixes[k], metainfo=dict(classes=CLASSES))
            for task in ('scene', 'part')}) for k in ('train', 'val')}
model = dict(_delete_=True, type='mmvisx.MultiTaskSegmentor', backbone=_base_.backbone,
             data_preprocessor=dict(_base_.preprocessor, type='mmvisx.TaskDataPreprocessor'),
             task_heads=dict(scene=_base_.head, part=_base_.head))
train_dataloader = dict(dataset=dict(_delete_=True, **sets['train']))
val_dataloader = dict(dataset=dict(_delete_=True, **sets['val']))
test_dataloader = dict(dataset=dict(_delete_=True, **sets['val']))
val_evaluator = [dict(type='mmvisx.TaskIoUMetric', task=k) for k in ('scene', 'part')]
test_evaluator = val_evaluator
"""
SEVERAL = SEVERAL.replace('CLASSES', repr(CLASSES))


@pytest.fixture
def folder(tmp_path):
    """Four photographs for training, two for validation, with masks of three classes."""
    random = np.random.default_rng(0)
    root = tmp_path / 'mine'
    for split, count in (('train', 4), ('val', 2)):
        for kind in ('images', 'masks'):
            (root / kind / split).mkdir(parents=True)
        for k in range(count):
            labels = random.integers(0, 3, (4, 5)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
            image = (labels[..., None] * 80 + random.integers(0, 60, (32, 40, 3))).astype(np.uint8)
            # Any usual format, also mixed.
            Image.fromarray(image).save(root / f'images/{split}/{k}.{"JPG" if k % 2 else "png"}')
            Image.fromarray(labels).save(root / f'masks/{split}/{k}.png')
    return root


@pytest.fixture
def run(tool, folder, tmp_path, monkeypatch):
    """Train, with ``several=True`` for two tasks; returns the config and the checkpoint."""
    # MMEngine formats the config four times, 5 seconds each with nested tasks.
    monkeypatch.setattr('yapf.yapflib.yapf_api.FormatCode', lambda text, **_: (text, True))

    def call(*arguments, several=False, options=()):
        (tmp_path / 'single.py').write_text(SINGLE)
        (tmp_path / 'several.py').write_text(SEVERAL)
        config = tmp_path / ('several.py' if several else 'single.py')
        tool('tools/train.py', config, '--work-dir', tmp_path / 'work', *arguments,
             '--cfg-options', f'data_root={folder}', *options)  # fmt: skip
        return tmp_path / 'work' / config.name, tmp_path / 'work' / 'epoch_1.pth'

    return call


@pytest.mark.parametrize('several', [False, True])
def test_trains(run, several):
    assert run(several=several)[1].is_file()


@pytest.mark.parametrize('classes', [2, 5])
def test_a_head_with_fewer_or_more_classes_than_the_data(run, classes):
    message = (
        rf'^model\.decode_head\.num_classes={classes}, but the training data have 3 classes '
        r'\(ground, ball, box\): set num_classes to 3, or both with --classes'
    )
    with pytest.raises(UserError, match=message):
        run(options=[f'model.decode_head.num_classes={classes}'])


@pytest.mark.parametrize('classes', [2, 5])
def test_the_head_of_one_of_several_tasks(run, classes):
    message = (
        rf'^model\.task_heads\.part\.num_classes={classes}, but the training data of the task '
        r"'part' have 3 classes"
    )
    with pytest.raises(UserError, match=message):
        run(several=True, options=[f'model.task_heads.part.num_classes={classes}'])


def test_other_classes_in_validation_are_found_before_the_training(run, tmp_path):
    key = 'val_dataloader.dataset.metainfo.classes'
    with pytest.raises(UserError, match='but the validation data have 2 classes'):
        run(options=[f'{key}=("a", "b")'])
    assert not (tmp_path / 'work/epoch_1.pth').exists()


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (np.full((32, 40), 255), r'^.*masks/train/1\.png has no label but 255, which is ignored'),
        (np.full((32, 40), 3), r'^.*masks/train/1\.png has the label 3, outside 0 to 2'),
        (np.zeros((16, 40)), r'^.*masks/train/1\.png has the shape \(16, 40\), its image'),
        (np.zeros((32, 40, 3)), r'^.*masks/train/1\.png has the shape \(32, 40, 3\)'),
        (b'a text file', r'^.*label map .*masks/train/1\.png is no image: replace the file'),
        (None, r'^.*masks/train/1\.png does not exist: 1 of the 4 images'),
    ],
    ids=['ignored', 'label', 'size', 'colours', 'no image', 'missing'],
)
def test_a_wrong_label_map_is_named(run, folder, content, message):
    path = folder / 'masks/train/1.png'
    if content is None:
        path.unlink()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        Image.fromarray(content.astype(np.uint8)).save(path)
    with pytest.raises(UserError, match=message) as caught:
        run()
    assert '\n' not in str(caught.value)


def test_a_wrong_label_map_of_several_tasks_is_named(run, folder):
    path = folder / 'masks/train/1.png'
    Image.fromarray(np.full((32, 40), 255, np.uint8)).save(path)
    with pytest.raises(UserError, match=r'masks/train/1\.png has no label but 255'):
        run(several=True)
    path.write_bytes(b'a text file')
    with pytest.raises(UserError, match=r'label map .*masks/train/1\.png is no image'):
        run(several=True)


def test_a_broken_label_map_with_its_end_mark_is_named(run, folder):
    path = folder / 'masks/train/1.png'
    data = bytearray(path.read_bytes())
    middle = data.index(b'IDAT') + 8
    data[middle : middle + 4] = b'\xff\xff\xff\xff'
    path.write_bytes(data)
    with pytest.raises(UserError, match=r'label map .*masks/train/1\.png is truncated or broken'):
        run()


def test_labels_that_mmsegs_loader_lets_pass_are_found_in_the_batch(run, folder):
    Image.fromarray(np.full((32, 40), 7, np.uint8)).save(folder / 'masks/train/2.png')
    message = (
        r'masks/train/2\.png \(train data\) has the label 7, outside 0 to 2 '
        r'\(model\.decode_head\.num_classes=3; 255 is ignored\)'
    )
    with pytest.raises(UserError, match=message):
        run(options=['train_dataloader.dataset.pipeline.1.type=LoadAnnotations'])


def test_classes_on_the_command_line(run, tool, folder, tmp_path):
    Image.fromarray(np.full((32, 40), 3, np.uint8)).save(folder / 'masks/train/2.png')
    checkpoint = run('--classes', *CLASSES, 'cone')[1]
    tool('tools/test.py', tmp_path / 'single.py', checkpoint, '--work-dir', tmp_path / 'test',
         '--out', tmp_path / 'a.json', '--classes', *CLASSES, 'cone',
         '--cfg-options', f'data_root={folder}')  # fmt: skip
    assert 'mIoU' in json.loads((tmp_path / 'a.json').read_text())
    with pytest.raises(UserError, match=r'several tasks \(scene, part\)'):
        run('--classes', 'a', several=True)


def test_two_images_of_one_name(run, folder):
    Image.fromarray(np.zeros((32, 40, 3), np.uint8)).save(folder / 'images/train/1.bmp')
    with pytest.raises(UserError, match=r'1\.(bmp|JPG) and .*1\.(bmp|JPG) have one name'):
        run()


@pytest.mark.parametrize('several', [False, True])
def test_augmented_test(run, tool, folder, tmp_path, several):
    config, checkpoint = run(several=several)
    arguments = [config, checkpoint, '--work-dir', tmp_path / 'test']
    tool('tools/test.py', *arguments, '--out', tmp_path / 'plain.json')
    tool('tools/test.py', *arguments, '--tta', '--out', tmp_path / 'tta.json', '--show-dir',
         tmp_path / 'show')  # fmt: skip
    plain, tta = (json.loads((tmp_path / f'{k}.json').read_text()) for k in ('plain', 'tta'))
    assert plain.keys() == tta.keys()
    losses = [key for key in plain if key.endswith('val_loss')]
    assert len(losses) == 1 + several
    # Of the mean of the views, from what is kept as logits.
    assert all(0 < tta[key] < 10 and tta[key] != plain[key] for key in losses)
    assert {path.name for path in (tmp_path / 'show').iterdir()} == {'0.png', '1.png'}
    # A label that the head does not have is found in the views, too.
    Image.fromarray(np.full((32, 40), 7, np.uint8)).save(folder / 'masks/val/1.png')
    with pytest.raises(UserError, match=r'masks/val/1\.png has the label 7'):
        tool('tools/test.py', *arguments, '--tta')
