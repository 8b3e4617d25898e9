"""``mmvisx init``: the configs that it writes, and what it refuses."""

import ast
import json
import shutil

import cv2
import numpy as np
import pytest

from mmvisx.apis.init import Options, init
from mmvisx.apis.init.machine import Machine
from mmvisx.utils import UserError
from mmvisx.utils.config import load_config
from tests.helpers import own_data


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to write to, which the command runs in."""
    folder = tmp_path / 'here'
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def content(root):
    """Every file below a folder, with its bytes."""
    return {path: path.read_bytes() for path in root.rglob('*') if path.is_file()}


def expected_masks(kind):
    return kind in ('coco', 'yolo', 'labelme')


@pytest.mark.parametrize('kind', own_data.WRITERS)
def test_config_trains_two_iterations_and_evaluates(tool, here, tmp_path, kind):
    root = own_data.WRITERS[kind](tmp_path / 'mine')
    before = content(root)
    # MMEngine takes two runs of one name in one second for the same.
    lines = init(root, Options(device='cpu', out=f'{kind}.py'))
    assert content(root) == before
    assert lines[-1] == f'next: mmvisx train {kind}.py'
    assert {path.name for path in here.iterdir()} == {f'{kind}.py', f'{kind}_split'}
    work_dir = tmp_path / 'work'
    length = ['train_cfg.max_epochs=1', 'param_scheduler.CosineAnnealingLR.end=1',
              'param_scheduler.CosineAnnealingLR.T_max=1']  # fmt: skip
    if kind == 'masks':
        length = ['train_cfg.max_iters=2', 'train_cfg.val_interval=2']
    quick = [f'{part}_dataloader.{key}' for part in ('train', 'val', 'test')
             for key in ('num_workers=0', 'persistent_workers=False')]  # fmt: skip
    tool('tools/train.py', f'{kind}.py', '--work-dir', work_dir, '--cfg-options', *length, *quick)
    (log,) = work_dir.glob('*/vis_data/scalars.json')
    records = [json.loads(line) for line in log.read_text().splitlines()]
    metric = dict(voc='voc/mAP_area', masks='mIoU', folders='accuracy/top1')
    assert any(metric.get(kind, 'coco/segm_mAP') in record for record in records)
    assert any(np.isfinite(record['loss']) for record in records if 'loss' in record)


@pytest.mark.parametrize('kind', own_data.WRITERS)
def test_parts_share_no_image_and_are_the_same_again(here, tmp_path, kind):
    root = own_data.WRITERS[kind](tmp_path / 'mine')
    texts = []
    for name in ('one.py', 'two.py'):
        init(root, Options(device='cpu', out=name, val_share=0.34))
        train, val = (
            next((here / f'{name[:-3]}_split').glob(f'{part}.*')).read_text()
            for part in ('train', 'val')
        )
        texts.append((train, val))
    assert texts[0] == texts[1]
    if kind == 'coco':
        train, val = ([image['file_name'] for image in json.loads(text)['images']]
                      for text in texts[0])  # fmt: skip
    else:
        train, val = (text.split('\n')[:-1] for text in texts[0])
    assert (len(train), len(val)) == ((8, 4) if kind == 'folders' else (4, 2))
    assert not set(train) & set(val)


@pytest.mark.parametrize('kind', own_data.WRITERS)
def test_numbers_are_those_of_the_parts(here, tmp_path, kind):
    lines = init(own_data.WRITERS[kind](tmp_path / 'mine'), Options(device='cpu', val_share=0.34))
    counts = '8 to train on, 4 to validate on' if kind == 'folders' else '4 to train on, 2 to'
    assert any(line.startswith(f'images   {counts}') for line in lines)
    batch = load_config('mine.py').train_dataloader.batch_size
    assert batch == (8 if kind == 'folders' else 4)


def test_no_split_where_there_is_a_validation_part(here, tmp_path):
    root = own_data.coco(tmp_path / 'mine', 4, 'instances_train.json')
    own_data.coco(root, 2, 'instances_val.json', first=4)
    init(root, Options(device='cpu'))
    cfg = load_config('mine.py')
    assert not (here / 'mine_split').exists()
    assert cfg.train_dataloader.dataset.ann_file == 'instances_train.json'
    assert cfg.val_dataloader.dataset.ann_file == 'instances_val.json'
    assert cfg.test_dataloader == cfg.val_dataloader


def test_config_of_boxes_without_masks_is_a_detector(here, tmp_path):
    root = own_data.coco(tmp_path / 'mine')
    annotations = json.loads((root / 'instances.json').read_text())
    annotations['annotations'][0].pop('segmentation')
    (root / 'instances.json').write_text(json.dumps(annotations))
    lines = init(root, Options(device='cpu', val_share=0))
    assert any('boxes (11 of 12 objects have a mask)' in line for line in lines)
    cfg = load_config('mine.py')
    assert cfg.model.type == 'FasterRCNN'
    assert cfg.val_evaluator.metric == 'bbox'
    assert cfg.model.roi_head.bbox_head.num_classes == 2


def test_share_of_zero_validates_on_the_training_images(here, tmp_path):
    lines = init(own_data.voc(tmp_path / 'mine'), Options(device='cpu', val_share=0))
    assert any('says nothing about others' in line for line in lines)
    cfg = load_config('mine.py')
    assert cfg.train_dataloader.dataset.ann_file == cfg.val_dataloader.dataset.ann_file
    assert (here / 'mine_split' / 'all.txt').read_text().split() == [str(k) for k in range(6)]


@pytest.mark.parametrize('kind', own_data.WRITERS)
@pytest.mark.parametrize('device', ['cpu', 'gpu'])
def test_config_is_laid_out_python_that_says_what_is_what(here, tmp_path, kind, device):
    init(own_data.WRITERS[kind](tmp_path / 'mine'), Options(device=device, seed=7))
    text = (here / 'mine.py').read_text()
    # A path is as long as it is.
    assert max(len(line) for line in text.splitlines() if str(tmp_path) not in line) <= 100
    assert text.startswith('# ')
    assert text.count('\n# ') >= 6
    names = [node.targets[0].id for node in ast.parse(text).body]
    assert names[:4] == ['_base_', 'data_root', 'classes', 'num_classes']
    cfg = load_config('mine.py')
    assert cfg.randomness.seed == 7
    assert cfg.train_dataloader.dataset.metainfo.classes == cfg.classes


def test_full_network_starts_from_the_weights_in_the_cache(here, tmp_path, monkeypatch):
    root = own_data.coco(tmp_path / 'mine')
    (tmp_path / 'hub' / 'checkpoints').mkdir(parents=True)
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    lines = init(root, Options(device='gpu', out='without.py'))
    assert any('from scratch' in line and 'resnet50 is not in' in line for line in lines)
    backbone = load_config('without.py').model.backbone
    assert (backbone.init_cfg, backbone.frozen_stages, backbone.norm_eval) == (None, -1, False)
    weights = tmp_path / 'hub' / 'checkpoints' / 'resnet50-0676ba61.pth'
    weights.touch()
    init(root, Options(device='gpu', out='with.py'))
    model = load_config('with.py').model
    assert model.backbone.init_cfg.checkpoint == str(weights)
    assert model.neck.rfp_backbone.init_cfg.checkpoint == str(weights)
    assert model.backbone.frozen_stages == 1
    other = tmp_path / 'mine.pth'
    other.touch()
    init(root, Options(device='gpu', out='given.py', weights=str(other)))
    assert load_config('given.py').model.backbone.init_cfg.checkpoint == str(other)


def test_memory_decides_how_many_images_a_step():
    small, large = Machine(2, 4.0), Machine(16, 64.0, gpu_memory=80.0)
    assert small.batch_size(0.6, 4, 100) == 2
    assert large.batch_size(6.0, 16, 1000) == 8
    assert large.batch_size(6.0, 16, 3) == 2
    assert Machine(1, 4.0).workers() == 0
    assert small.workers() == 1
    assert large.workers() == 8


def test_rate_follows_the_batch(here, tmp_path, monkeypatch):
    root = own_data.coco(tmp_path / 'mine')
    rates = {}
    for memory in (2.4, 24.0):
        machine = Machine(2, memory)
        monkeypatch.setattr(Machine, 'here', lambda machine=machine: machine)
        init(root, Options(out=f'm{memory:.0f}.py'))
        cfg = load_config(f'm{memory:.0f}.py')
        rates[cfg.train_dataloader.batch_size] = cfg.optim_wrapper.optimizer.lr
    assert rates == {2: 5e-4, 4: 1e-3}


def test_nothing_is_overwritten(here, tmp_path):
    root = own_data.coco(tmp_path / 'mine')
    init(root, Options(device='cpu'))
    before = content(here)
    with pytest.raises(UserError, match=r'mine.py exists and is not overwritten: .* --out'):
        init(root)
    (here / 'mine.py').unlink()
    with pytest.raises(UserError, match='mine_split exists and is not overwritten'):
        init(root)
    assert content(here).items() <= before.items()


def test_folder_with_a_config_needs_another_name(here, tmp_path):
    root = own_data.coco(tmp_path / 'mine')
    (root / 'config.py').write_text('')
    with pytest.raises(UserError, match=r'has a config, config.py: train with it, .* --out'):
        init(root)
    init(root, Options(device='cpu', out='other.py'))
    assert (here / 'other.py').is_file()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(out='mine'), r'--out mine should be the path of a config'),
        (dict(val_share=1.0), r'--val-share 1.0 should be in \[0, 1\)'),
        (dict(weights='none.pth'), r'--weights none.pth: there is no such file'),
        (dict(group_by='folder'), r"puts all 6 images into one group \('.'\)"),
        (dict(format='folders'), r'--format folders: .* has no such data'),
    ],
)
def test_options_that_do_not_fit(here, tmp_path, options, message):
    root = own_data.coco(tmp_path / 'mine')
    with pytest.raises(UserError, match=message):
        init(root, Options(**options))
    assert not list(here.iterdir())


def test_config_in_the_data_is_refused(here, tmp_path):
    root = own_data.coco(tmp_path / 'mine')
    with pytest.raises(UserError, match='lies in the data'):
        init(root, Options(out=str(root / 'x.py')))


def test_one_image(here, tmp_path):
    with pytest.raises(UserError, match=r'1 image is too few .* --val-share 0'):
        init(own_data.coco(tmp_path / 'mine', images=1))
    init(tmp_path / 'mine', Options(device='cpu', val_share=0))
    assert load_config('mine.py').train_dataloader.batch_size == 1


def test_images_without_objects(here, tmp_path):
    root = own_data.coco(tmp_path / 'mine')
    annotations = json.loads((root / 'instances.json').read_text())
    (root / 'instances.json').write_text(json.dumps({**annotations, 'annotations': []}))
    with pytest.raises(UserError, match=r'the 5 images to train on have no object of blue, red'):
        init(root, Options(out='new/mine.py'))
    assert not content(here)


@pytest.mark.parametrize(
    ('kind', 'file', 'text', 'message'),
    [
        ('coco', 'images/2.jpg', 'no image', r'1 x unreadable image \(.*2.jpg is no image'),
        ('voc', 'VOC2012/Annotations/2.xml', '<annotation>', r'2.xml cannot be read \(no element'),
        ('yolo', 'labels/train/2.txt', '0 0.5 0.5 0.1', r'2.txt, line 1: 4 numbers'),
        ('labelme', '2.json', '{"shapes": "imagePath"', r'2.json'),
        ('masks', 'masks/2.png', 'no image', r'1 x unreadable label map \(.*2.png is no image'),
        ('folders', 'red/2.png', 'no image', r'1 x unreadable image \(.*2.png is no image'),
    ],
)  # fmt: skip
def test_unreadable_files_are_named(here, tmp_path, kind, file, text, message):
    root = own_data.WRITERS[kind](tmp_path / 'mine')
    (root / file).write_text(text)
    with pytest.raises(UserError, match=message):
        init(root)


def test_faults_that_do_not_stop_a_training_are_told(here, tmp_path):
    root = own_data.coco(tmp_path / 'mine')
    annotations = json.loads((root / 'instances.json').read_text())
    annotations['annotations'][0]['bbox'] = [4, 5, 20, 0]
    (root / 'instances.json').write_text(json.dumps(annotations))
    lines = init(root, Options(device='cpu'))
    assert any('1 x box of no area (annotation 0' in line for line in lines)


def test_frames_of_a_film_stay_together(here, tmp_path):
    root = own_data.masks(tmp_path / 'mine')
    for folder in ('images', 'masks'):
        for path in sorted((root / folder).iterdir()):
            path.rename(path.with_name(f'{"ab"[int(path.stem) % 2]}_{path.name}'))
    lines = init(root, Options(device='cpu', group_by='prefix'))
    assert any('6 images in 2 groups by prefix were split' in line for line in lines)
    val = (here / 'mine_split' / 'val.txt').read_text().split()
    assert len({name[0] for name in val}) == 1
    assert len(val) == 3


def test_label_maps_of_one_label(here, tmp_path):
    root = own_data.masks(tmp_path / 'mine')
    shutil.rmtree(root / 'masks')
    own_data.masks(tmp_path / 'other')
    (root / 'masks').mkdir()
    for k in range(6):
        cv2.imwrite(str(root / 'masks' / f'{k}.png'), np.full((48, 64), 255 * (k % 2), np.uint8))
    with pytest.raises(UserError, match=r'one label only .* masks of 0 and 255 have to become 0'):
        init(root)


def test_names_of_label_maps_are_asked_for(here, tmp_path):
    root = own_data.masks(tmp_path / 'mine')
    init(root, Options(device='cpu', out='unnamed.py'))
    assert 'write your names here' in (here / 'unnamed.py').read_text()
    init(root, Options(device='cpu', out='named.py', classes=('ground', 'a', 'b')))
    assert load_config('named.py').classes == ('ground', 'a', 'b')
    with pytest.raises(UserError, match=r'label outside the classes \(.*: 2, not in 0 to 1'):
        init(root, Options(out='few.py', classes=('ground', 'a')))


def test_rule_for_groups_is_told_to_be_of_no_use(here, tmp_path):
    root = own_data.coco(tmp_path / 'mine', 4, 'instances_train.json')
    own_data.coco(root, 2, 'instances_val.json', first=4)
    lines = init(root, Options(device='cpu', group_by='folder'))
    assert any('nothing was split; --group-by folder is not used' in line for line in lines)


def test_fewer_names_than_numbers_of_labels(here, tmp_path):
    root = own_data.yolo(tmp_path / 'mine')
    with pytest.raises(UserError, match=r'--classes: 1 names, but .* of 2 classes: name all'):
        init(root, Options(classes=('red',)))


@pytest.mark.slow
@pytest.mark.parametrize('kind', ['coco', 'voc', 'masks', 'folders'])
def test_full_network_trains_two_iterations(tool, here, tmp_path, kind):
    root = own_data.WRITERS[kind](tmp_path / 'mine')
    if kind == 'folders':  # not so small that they get a network for tiny images
        for path in root.rglob('*.png'):
            cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path)), (64, 64)))
    init(root, Options(device='gpu', out=f'{kind}.py'))
    work_dir = tmp_path / 'work'
    # float16 needs the GPU itself; --amp takes bfloat16.
    plain = ['--amp'] if kind == 'folders' else []
    quick = [f'{part}_dataloader.{key}' for part in ('train', 'val', 'test')
             for key in ('num_workers=0', 'persistent_workers=False')]  # fmt: skip
    length = ['train_cfg.max_epochs=1', 'train_dataloader.batch_size=2',
              'param_scheduler.CosineAnnealingLR.end=1',
              'param_scheduler.CosineAnnealingLR.T_max=1']  # fmt: skip
    options = [*quick, *length]
    tool('tools/train.py', f'{kind}.py', '--work-dir', work_dir, *plain, '--cfg-options', *options)
    assert (work_dir / 'epoch_1.pth').is_file()
