import pytest
from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope
from mmengine.runner import Runner

from mmvisx.datasets import SHAPES_CLASSES
from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    out = tmp_path_factory.mktemp('shapes') / 'out'
    make_shapes(out, ShapesConfig(train=6, val=4, size=96))
    return out


@pytest.mark.parametrize(
    ('name', 'folder'), [('benchmarks/shapes_nano', 'coco/'), ('datasets/shapes_voc', 'VOCdevkit/')]
)
@pytest.mark.parametrize('loader', ['train_dataloader', 'val_dataloader'])
def test_base_config_loads_a_batch(repo, root, name, folder, loader):
    config = Config.fromfile(repo / 'configs' / '_base_' / f'{name}.py')[loader]
    config.dataset.data_root = f'{root}/{folder}'
    config.num_workers, config.persistent_workers = 0, False
    # PackDetInputs is named with its scope, PixelData's collate is not.
    with DefaultScope.overwrite_default_scope('mmdet'):
        data = Runner.build_dataloader(config, seed=0)
        batch = next(iter(data))
    assert len(data.dataset) == (6 if loader == 'train_dataloader' else 4)
    assert data.dataset.metainfo['classes'] == SHAPES_CLASSES
    assert not data.dataset.skipped
    assert tuple(batch['inputs'][0].shape) == (3, 128, 128)
    sample = batch['data_samples'][0]
    assert len(sample.gt_instances) > 0
    if name == 'benchmarks/shapes_nano':
        assert (
            sample.gt_instances.masks.masks.shape[1:]
            == ((128, 128), (96, 96))[loader == 'val_dataloader']
        )
        assert ('gt_sem_seg' in sample) == (loader == 'train_dataloader')


def test_crowd_is_ignored_in_both_layouts(root):
    coco = DATASETS.build(
        {
            'type': 'mmvisx.ShapesDataset',
            'data_root': f'{root}/coco',
            'ann_file': 'annotations/instances_train.json',
            'data_prefix': {'img': 'train/'},
        }
    )
    voc = DATASETS.build(
        {
            'type': 'mmvisx.ShapesVOCDataset',
            'data_root': f'{root}/VOCdevkit',
            'ann_file': 'VOC2012/ImageSets/Main/train.txt',
            'data_prefix': {'sub_data_root': 'VOC2012/'},
        }
    )
    crowd_image = 4  # image number 5
    flags = [o['ignore_flag'] for o in coco.get_data_info(crowd_image)['instances']]
    assert sum(flags) == 1
    in_voc = [o['ignore_flag'] for o in voc.get_data_info(crowd_image)['instances']]
    assert in_voc[flags.index(1)] == 1
    ours, theirs = (
        [o['bbox_label'] for o in d.get_data_info(crowd_image)['instances']] for d in (coco, voc)
    )
    assert ours == theirs
