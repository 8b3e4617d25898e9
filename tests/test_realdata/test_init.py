"""``mmvisx init`` on copies of real data: each config trains two iterations as it was written."""

import json
import resource
import shutil

import pytest

from mmvisx.apis.init import Options, init
from tests.test_tools.conftest import tool

__all__ = ['tool']

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

TASKS = {
    'coco128': 'instance segmentation',
    'voc2012_det100': 'boxes',
    'fruits_nuts': 'instance segmentation',
    'cifar10_png': 'a class for each image',
    'camvid22': 'a class for each pixel',
    'coco128_yolo': 'instance segmentation',
    'coco128_labelme': 'instance segmentation',
}
METRICS = {'instance segmentation': 'coco/segm_mAP_50', 'boxes': 'voc/mAP_area',
           'a class for each image': 'accuracy/top1', 'a class for each pixel': 'mIoU'}  # fmt: skip


def cpu_seconds():
    """Seconds that this process and those that it started have computed."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def polygons(coco):
    """Yield each image of a COCO file with its objects that one polygon is the outline of."""
    for image in coco['images']:
        found = [a for a in coco['annotations'] if a['image_id'] == image['id']]
        yield image, [a for a in found if not a['iscrowd'] and len(a['segmentation']) == 1]


def as_yolo(source, root):
    """``coco128`` with polygons as YOLO writes them."""
    coco = json.loads((source / 'annotations' / 'instances_train2017.json').read_text())
    names = sorted(coco['categories'], key=lambda c: c['id'])
    numbers = {category['id']: k for k, category in enumerate(names)}
    shutil.copytree(source / 'train2017', root / 'images' / 'train')
    (root / 'labels' / 'train').mkdir(parents=True)
    for image, objects in polygons(coco):
        size = image['width'], image['height']
        lines = [
            ' '.join([str(numbers[a['category_id']]),
                      *(f'{v / size[k % 2]:.6f}' for k, v in enumerate(a['segmentation'][0]))])
            for a in objects
        ]  # fmt: skip
        label = root / 'labels' / 'train' / image['file_name'].replace('.jpg', '.txt')
        label.write_text('\n'.join(lines))
    listed = ', '.join(category['name'] for category in names)
    (root / 'data.yaml').write_text(f'path: .\ntrain: images/train\nnames: [{listed}]\n')


def as_labelme(source, root):
    """``coco128`` with polygons as LabelMe writes them."""
    coco = json.loads((source / 'annotations' / 'instances_train2017.json').read_text())
    names = {category['id']: category['name'] for category in coco['categories']}
    shutil.copytree(source / 'train2017', root)
    for image, objects in polygons(coco):
        shapes = [
            dict(label=names[a['category_id']], shape_type='polygon', group_id=None, flags={},
                 points=[list(p) for p in zip(*[iter(a['segmentation'][0])] * 2, strict=True)])
            for a in objects
        ]  # fmt: skip
        content = dict(shapes=shapes, imagePath=image['file_name'], imageData=None,
                       imageWidth=image['width'], imageHeight=image['height'])  # fmt: skip
        path = root / image['file_name'].replace('.jpg', '.json')
        path.write_text(json.dumps(content))


@pytest.fixture
def mine(realdata, tmp_path, monkeypatch):
    """``mine(name)`` copies a data set; the test runs in an empty folder."""
    (tmp_path / 'here').mkdir()
    monkeypatch.chdir(tmp_path / 'here')

    def copy(name):
        root = tmp_path / name
        if name == 'coco128_yolo':
            as_yolo(realdata / 'coco128', root)
        elif name == 'coco128_labelme':
            as_labelme(realdata / 'coco128', root)
        else:
            shutil.copytree(realdata / name, root)
        return root

    return copy


@pytest.mark.parametrize('name', TASKS)
def test_two_iterations(mine, tool, tmp_path, name):
    lines = init(mine(name), Options(device='cpu'))
    task = TASKS[name]
    assert any(line.startswith(f'task     {task}') for line in lines)
    # Two batches and a few images, so that the test ends; the config is as it was written.
    batch = 32 if name == 'cifar10_png' else 4
    few = [f'train_dataloader.dataset.indices={2 * batch}', 'val_dataloader.dataset.indices=4']
    if name != 'camvid22':
        few += ['train_cfg.max_epochs=1', 'param_scheduler.CosineAnnealingLR.end=1',
                'param_scheduler.CosineAnnealingLR.T_max=1']  # fmt: skip
    else:
        few += ['train_cfg.max_iters=2', 'train_cfg.val_interval=2']
    work_dir = tmp_path / 'work'
    tool('tools/train.py', f'{name}.py', '--work-dir', work_dir, '--cfg-options', *few)
    (log,) = work_dir.glob('*/vis_data/scalars.json')
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert any(METRICS[task] in record for record in records)
    assert {record['step'] for record in records if METRICS[task] in record} <= {1, 2}


def test_fruits_and_nuts_are_found_again(mine, tool, tmp_path):
    root = mine('fruits_nuts')
    before = cpu_seconds()
    init(root, Options(device='cpu', val_share=0))
    tool('tools/train.py', 'fruits_nuts.py', '--work-dir', tmp_path / 'work')
    # Of two cores, whatever else runs beside; a process that loads images counts when it ends.
    assert (cpu_seconds() - before) / 2 < 600
    (log,) = (tmp_path / 'work').glob('*/vis_data/scalars.json')
    records = [json.loads(line) for line in log.read_text().splitlines()]
    last = [record for record in records if 'coco/bbox_mAP_50' in record][-1]
    assert last['coco/bbox_mAP_50'] >= 0.5
