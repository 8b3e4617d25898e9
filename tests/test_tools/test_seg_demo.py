"""The segmentation demo: labels, pictures, several tasks, and what goes wrong."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from mmvisx.apis import SegmentationInferencer
from mmvisx.apis.build import build_model
from mmvisx.utils import UserError

CLASSES = ('dark', 'bright')
PALETTE = [[10, 200, 10], [200, 10, 10]]
BACKBONE = dict(
    type='mmvisx.StackedUNet',
    arch=dict(filters=4, modules=(1, 1, 1, 1), channels=(8, 8, 8, 8), stem_channels=4),
    output_stride=16,
)
HEAD = dict(
    type='mmvisx.DeGriddingHead',
    in_channels=8,
    in_index=0,
    channels=8,
    loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
)
STEPS = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='Resize', scale=(64, 48), keep_ratio=True),
    dict(type='mmvisx.LoadSegAnnotations'),
    dict(type='PackSegInputs'),
]


@pytest.fixture
def photos(tmp_path):
    """Two images of different sizes."""
    folder = tmp_path / 'photos'
    folder.mkdir()
    random = np.random.default_rng(0)
    for name, size in (('a', (70, 90, 3)), ('b', (48, 64, 3))):
        Image.fromarray(random.integers(0, 255, size, np.uint8)).save(folder / f'{name}.png')
    return folder


def write(folder, model, dataset, meta=None):
    """Write a config and a checkpoint with random weights."""
    preprocessor = dict(type='SegDataPreProcessor', mean=[120.0] * 3, std=[60.0] * 3)
    cfg = Config(
        dict(
            default_scope='mmseg',
            model=dict(model, data_preprocessor=preprocessor, test_cfg=dict(mode='whole')),
            test_dataloader=dict(dataset=dataset),
        )
    )
    cfg.dump(folder / 'config.py')
    network = build_model(cfg)
    network.init_weights()
    for name, parameter in network.named_parameters():
        if name.endswith('conv_seg.bias'):
            torch.nn.init.normal_(parameter)
    checkpoint = dict(state_dict=network.state_dict(), meta=dict(dataset_meta=meta or {}))
    torch.save(checkpoint, folder / 'weights.pth')
    return folder / 'config.py', folder / 'weights.pth'


@pytest.fixture
def single(tmp_path):
    """A segmentor of one task."""
    dataset = dict(type='BaseSegDataset', pipeline=STEPS)
    model = dict(type='EncoderDecoder', backbone=BACKBONE, decode_head=dict(HEAD, num_classes=3))
    meta = dict(classes=(*CLASSES, 'sky'), palette=[*PALETTE, [0, 0, 255]])
    return write(tmp_path, model, dataset, meta)


@pytest.fixture
def double(tmp_path):
    """A segmentor of two tasks whose checkpoint says nothing of the classes."""
    tasks = dict(
        scene=dict(type='mmvisx.ShapesClassDataset'),
        part=dict(
            type='mmvisx.SegmentationDataset', metainfo=dict(classes=CLASSES, palette=PALETTE)
        ),
    )
    dataset = dict(type='mmvisx.MultiTaskDataset', tasks=tasks, pipeline=STEPS)
    heads = dict(scene=dict(HEAD, num_classes=7), part=dict(HEAD, num_classes=2, out_channels=2))
    model = dict(type='mmvisx.MultiTaskSegmentor', backbone=BACKBONE, task_heads=heads)
    return write(tmp_path, model, dataset)


def labels_of(inferencer, path):
    (prediction,) = inferencer(path)['predictions']
    return prediction['labels']


def read(path):
    with Image.open(path) as image:
        return np.array(image)


def test_folder_of_images(tool, single, photos, tmp_path, capsys):
    out = tmp_path / 'out'
    assert tool('demo/seg_demo.py', photos, *single, '--out-dir', out, '--device', 'cpu') == 0
    assert '2 images, 0 images unreadable' in capsys.readouterr().out
    inferencer = SegmentationInferencer(*single, device='cpu')
    for name, size in (('a', (70, 90)), ('b', (48, 64))):
        labels = read(out / 'preds' / f'{name}.png')
        assert labels.shape == size
        assert labels.max() <= 2
        assert np.array_equal(labels, labels_of(inferencer, photos / f'{name}.png')[''])
        picture = read(out / 'vis' / f'{name}.png')
        colours = np.array([*PALETTE, [0, 0, 255]])[labels]
        expected = np.rint((read(photos / f'{name}.png') + colours) / 2)
        assert np.abs(picture[: size[0], : size[1]] - expected).max() <= 1
        assert picture.shape[1] > size[1] + 50  # the legend


def test_labels_are_those_of_the_model_by_hand(single, photos):
    inferencer = SegmentationInferencer(*single, device='cpu')
    image = torch.tensor(read(photos / 'b.png')[..., ::-1].copy()).permute(2, 0, 1)[None]
    with torch.no_grad():
        metas = [dict(img_shape=(48, 64), ori_shape=(48, 64))]
        scores = inferencer.model.encode_decode((image.float() - 120) / 60, metas)
    assert np.array_equal(labels_of(inferencer, photos / 'b.png')[''], scores[0].argmax(0).numpy())


def test_tasks_side_by_side(tool, double, photos, tmp_path):
    out = tmp_path / 'out'
    assert tool('demo/seg_demo.py', photos / 'a.png', *double, '--out-dir', out) == 0
    assert {p.name for p in (out / 'preds').iterdir()} == {'a_scene.png', 'a_part.png'}
    assert read(out / 'preds' / 'a_part.png').max() <= 1
    inferencer = SegmentationInferencer(*double)
    tasks = {task.name: task for task in inferencer.tasks}
    assert {name: len(task.classes) for name, task in tasks.items()} == dict(scene=7, part=2)
    assert tasks['part'].palette == tuple(map(tuple, PALETTE))
    picture = read(out / 'vis' / 'a.png')
    assert picture.shape[1] > 2 * (90 + 50)
    (drawn,) = inferencer(photos / 'a.png', return_vis=True)['visualization']
    assert np.array_equal(picture, drawn)


def test_batches_of_several_tasks(double, photos):
    inferencer = SegmentationInferencer(*double, show_progress=False)
    images = [read(photos / f'{name}.png')[..., ::-1].copy() for name in 'aba']
    images[0] = images[0][::-1].copy()  # of the size of the third
    one, three = ([p['labels'] for p in inferencer(images, size)['predictions']] for size in (1, 3))
    for single, batched in zip(one, three, strict=True):
        assert single.keys() == batched.keys() == {'scene', 'part'}
        assert all(np.array_equal(single[task], batched[task]) for task in single)


def test_images_of_the_same_name_do_not_overwrite_each_other(tool, single, photos, tmp_path):
    Image.fromarray(read(photos / 'b.png')).save(photos / 'a.jpg')
    out = tmp_path / 'out'
    assert tool('demo/seg_demo.py', photos, *single, '--out-dir', out) == 0
    names = {'a.jpg.png', 'a.png.png', 'b.png'}
    for folder in ('vis', 'preds'):
        assert {p.name for p in (out / folder).iterdir()} == names
    assert read(out / 'preds' / 'a.jpg.png').shape == (48, 64)


def test_an_unreadable_image_is_skipped_and_named(tool, single, photos, tmp_path, capsys):
    (photos / 'c.png').write_bytes(b'no image')
    assert tool('demo/seg_demo.py', photos, *single, '--out-dir', tmp_path / 'out') == 1
    captured = capsys.readouterr()
    assert 'c.png' in captured.err
    assert '2 images, 1 images unreadable' in captured.out


def test_classes_without_a_palette_get_colours(tmp_path, photos):
    dataset = dict(type='BaseSegDataset', pipeline=STEPS, metainfo=dict(classes=('x', 'y', 'z')))
    model = dict(type='EncoderDecoder', backbone=BACKBONE, decode_head=dict(HEAD, num_classes=3))
    (task,) = SegmentationInferencer(*write(tmp_path, model, dataset)).tasks
    assert task.classes == ('x', 'y', 'z')
    assert len(set(task.palette)) == 3


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(default_scope='mmdet'), "default_scope='mmdet'.*image_demo"),
        (dict(test_dataloader=dict(dataset=dict(type='BaseSegDataset'))), 'no pipeline'),
    ],
    ids=str,
)
def test_a_config_that_does_not_fit_is_a_clear_error(single, change, message):
    cfg = Config.fromfile(single[0])
    for key, value in change.items():
        cfg[key] = value
    with pytest.raises(UserError, match=message):
        SegmentationInferencer(cfg, single[1])


def test_no_names_of_classes_is_a_clear_error(tmp_path):
    dataset = dict(type='BaseSegDataset', pipeline=STEPS)
    model = dict(type='EncoderDecoder', backbone=BACKBONE, decode_head=dict(HEAD, num_classes=3))
    with pytest.raises(UserError, match='names of the classes'):
        SegmentationInferencer(*write(tmp_path, model, dataset))


@pytest.mark.parametrize('opacity', ['-0.1', '1.1'])
def test_bad_opacity_is_a_clear_error(tool, opacity):
    with pytest.raises(UserError, match=r'--opacity'):
        tool('demo/seg_demo.py', 'a', 'b', 'c', f'--opacity={opacity}')
