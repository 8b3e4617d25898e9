"""Joining the data sets of several tasks, loading their maps, and what is wrong with them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler, pseudo_collate
from mmengine.registry import DATASETS, DefaultScope
from PIL import Image

from mmvisx.datasets.transforms import RandomScale
from mmvisx.utils import UserError

SIZE = (20, 30)
CLASSES = dict(scene=('a', 'b', 'c'), part=('x', 'y'))


@pytest.fixture
def folder(tmp_path):
    """Images 0 to 5 with maps of scenes for 0 to 3 and of parts for 2 to 5."""
    random = np.random.default_rng(0)
    for name in ('images', 'scene', 'part'):
        (tmp_path / name).mkdir()
    for k in range(6):
        image = random.integers(0, 255, (*SIZE, 3), np.uint8)
        Image.fromarray(image).save(tmp_path / 'images' / f'{k}.jpg')
    for task, ids in (('scene', range(4)), ('part', range(2, 6))):
        (tmp_path / f'{task}.txt').write_text('\n'.join(map(str, ids)))
        for k in ids:
            labels = random.integers(0, len(CLASSES[task]), SIZE).astype(np.uint8)
            labels[0, :3] = 255
            Image.fromarray(labels).save(tmp_path / task / f'{k}.png')
    return tmp_path


def source(folder, task, **options):
    return dict(
        type='mmvisx.SegmentationDataset',
        data_root=str(folder),
        ann_file=f'{task}.txt',
        data_prefix=dict(img_path='images', seg_map_path=task),
        metainfo=dict(classes=CLASSES[task]),
        serialize_data=False,
        **options,
    )


PIPELINE = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='mmvisx.LoadTaskAnnotations'),
    dict(type='mmvisx.PackTaskInputs'),
]


def build(folder, tasks=('scene', 'part'), pipeline=tuple(PIPELINE), **options):
    cfg = dict(
        type='mmvisx.MultiTaskDataset',
        tasks={task: source(folder, task) for task in tasks},
        pipeline=list(pipeline),
        serialize_data=False,  # which collects all garbage
    )
    with DefaultScope.overwrite_default_scope('mmseg'):
        return DATASETS.build(dict(cfg, **options))


def test_an_image_of_both_tasks_appears_once(folder):
    data = build(folder)
    found = {Path(data.get_data_info(k)['img_path']).stem: data.tasks_of(k) for k in range(6)}
    assert len(data) == 6
    assert found == {
        '0': ('scene',),
        '1': ('scene',),
        '2': ('scene', 'part'),
        '3': ('scene', 'part'),
        '4': ('part',),
        '5': ('part',),
    }
    assert data.metainfo['classes'] == CLASSES['scene']
    assert {t: m['classes'] for t, m in data.metainfo['tasks'].items()} == CLASSES
    assert all(len(m['palette']) == len(m['classes']) for m in data.metainfo['tasks'].values())


def test_samples_have_the_maps_of_their_tasks(folder):
    data = build(folder)
    for k in range(len(data)):
        sample = data[k]['data_samples']
        name = Path(sample.img_path).stem
        for task in CLASSES:
            assert (f'gt_sem_seg_{task}' in sample) == (task in data.tasks_of(k))
            if task in data.tasks_of(k):
                labels = np.asarray(Image.open(folder / task / f'{name}.png'))
                loaded = sample.get(f'gt_sem_seg_{task}').data
                assert loaded.shape == (1, *SIZE)
                assert np.array_equal(loaded[0].numpy(), labels)
        assert 'gt_sem_seg' not in sample


def test_transforms_treat_the_maps_of_all_tasks_as_the_image(folder):
    """The image shows its own labels, which it still does after scaling, cropping and the like."""
    for k in (2, 3):
        labels = np.asarray(Image.open(folder / 'scene' / f'{k}.png')).copy()
        labels = np.kron(labels[::10, ::10], np.ones((10, 10))).astype(np.uint8)
        labels[labels == 255] = 0
        Image.fromarray(labels).save(folder / 'scene' / f'{k}.png')
        Image.fromarray((labels == 1).astype(np.uint8)).save(folder / 'part' / f'{k}.png')
        image = np.repeat(labels[..., None] * 100 + 20, 3, axis=2)
        Image.fromarray(image).save(folder / 'images' / f'{k}.png')
        (folder / 'images' / f'{k}.jpg').unlink()
        (folder / 'images' / f'{k}.png').rename(folder / 'images' / f'{k}.jpg')
    (folder / 'scene.txt').write_text('2\n3')
    (folder / 'part.txt').write_text('2\n3')
    steps = [
        dict(type='mmvisx.RandomScale', low=0.5, high=2.0),
        dict(type='RandomCrop', crop_size=(16, 24)),
        dict(type='mmvisx.RandomFlip', prob=0.5),
        dict(type='RandomRotate', prob=1.0, degree=10),
    ]
    data = build(folder, pipeline=[*PIPELINE[:2], *steps, PIPELINE[2]])
    np.random.seed(0)
    agree, sizes = [], set()
    for _ in range(20):
        item = data[0]
        image, sample = item['inputs'][0].float(), item['data_samples']
        scene, part = sample.gt_sem_seg_scene.data[0], sample.gt_sem_seg_part.data[0]
        assert image.shape == scene.shape == part.shape
        sizes.add(tuple(image.shape))
        known = scene != 255
        assert torch.equal(known, part != 255)
        assert torch.equal((scene == 1)[known], (part == 1)[known])
        shown = ((image - 20) / 100).round()
        agree.append(float((shown == scene)[known].float().mean()))
    assert np.mean(agree) > 0.85  # bilinear at the borders of the 10x10 squares
    assert len(sizes) > 1


def test_shuffled_batches_have_a_random_number_of_images_of_each_task(folder):
    data = build(folder)
    sampler = DefaultSampler(data, shuffle=True, seed=0)
    loader = torch.utils.data.DataLoader(
        data, batch_size=3, sampler=sampler, collate_fn=pseudo_collate
    )
    counts = set()
    for epoch in range(8):
        sampler.set_epoch(epoch)
        for batch in loader:
            samples = batch['data_samples']
            counts.add(tuple(sum(f'gt_sem_seg_{t}' in s for s in samples) for t in CLASSES))
    assert len(counts) > 3


def test_concatenated_sources(folder):
    half = dict(scene=dict(type='ConcatDataset', datasets=[]), part=source(folder, 'part'))
    (folder / 'first.txt').write_text('0\n1')
    (folder / 'second.txt').write_text('2\n3')
    half['scene']['datasets'] = [
        dict(source(folder, 'scene'), ann_file=f'{name}.txt') for name in ('first', 'second')
    ]
    with DefaultScope.overwrite_default_scope('mmseg'):
        data = DATASETS.build(
            dict(type='mmvisx.MultiTaskDataset', tasks=half, serialize_data=False)
        )
    assert len(data) == 6
    (folder / 'second.txt').write_text('2\n1')
    with DefaultScope.overwrite_default_scope('mmseg'), pytest.raises(UserError, match='twice'):
        DATASETS.build(dict(type='mmvisx.MultiTaskDataset', tasks=half, serialize_data=False))


def test_a_task_without_images_is_named(folder):
    (folder / 'part.txt').write_text('')
    with pytest.raises(UserError, match=r"task 'part' .*part\.txt lists no image"):
        build(folder)
    with pytest.raises(UserError, match="task 'scene' of MultiTaskDataset has no images"):
        DATASETS.build(
            dict(
                type='mmvisx.MultiTaskDataset',
                tasks=dict(scene=source(folder, 'scene', indices=[])),
            )
        )
    with pytest.raises(UserError, match='tasks is empty'):
        build(folder, tasks=())


def test_an_image_without_its_pair_is_named(folder):
    (folder / 'scene' / '2.png').unlink()
    message = r"task 'scene' .*2\.png does not exist: 1 of the 4 images .* no label map"
    with pytest.raises(UserError, match=message):
        build(folder)
    (folder / 'images' / '4.jpg').unlink()
    with pytest.raises(UserError, match=r'4\.\* does not exist: 1 of the 4 .* no image'):
        build(folder, ('part',))


@pytest.mark.parametrize(
    ('key', 'value', 'message'),
    [
        ('ann_file', 'none.txt', r'none\.txt, the list of images, does not exist'),
        ('data_prefix', dict(img_path='nowhere', seg_map_path='scene'), 'nowhere does not exist'),
        ('metainfo', dict(), 'needs metainfo'),
    ],
)
def test_faults_of_a_source_are_named(folder, key, value, message):
    with pytest.raises(UserError, match=message):
        DATASETS.build(dict(source(folder, 'scene'), **{key: value}))


@pytest.mark.parametrize(
    ('labels', 'message'),
    [
        (
            np.zeros((20, 29)),
            r'scene/1\.png has the shape \(20, 29\), its image .*1\.jpg \(20, 30\)',
        ),
        (np.zeros((20, 30, 3)), r'scene/1\.png has the shape \(20, 30, 3\)'),
        (np.full((20, 30), 3), r'scene/1\.png has the label 3, outside 0 to 2 \(3 classes'),
        (None, r'scene/1\.png is truncated or broken'),
    ],
)
def test_a_wrong_label_map_is_named(folder, labels, message):
    path = folder / 'scene' / '1.png'
    if labels is None:
        path.write_bytes(path.read_bytes()[:90])
    else:
        Image.fromarray(labels.astype(np.uint8)).save(path)
    data = build(folder)
    with pytest.raises(UserError, match=message):
        data[1]
    with DefaultScope.overwrite_default_scope('mmseg'):
        single = DATASETS.build(
            dict(
                source(folder, 'scene'),
                pipeline=[
                    dict(type='mmvisx.LoadImageFromFile'),
                    dict(type='mmvisx.LoadSegAnnotations'),
                ],
            )
        )
    single[0]
    with pytest.raises(UserError, match=message):
        single[1]


def test_scale_is_uniform_within_its_range():
    transform = RandomScale(0.5, 2.0)
    image = np.zeros((40, 40, 3), np.uint8)
    np.random.seed(0)
    sides = [transform(dict(img=image))['img'].shape[0] for _ in range(400)]
    assert 20 <= min(sides) < 23
    assert 77 < max(sides) <= 80
    assert abs(np.mean(sides) - 50) < 2.5
    for low, high in ((0, 1), (2, 1)):
        with pytest.raises(UserError, match=f'low={low}, high={high}'):
            RandomScale(low, high)
