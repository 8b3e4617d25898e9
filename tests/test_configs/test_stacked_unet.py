"""The recipes of 002: the document's numbers, rates, augmentation; sizes; small trainings."""

import math
from functools import cache

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope, init_default_scope
from PIL import Image
from torch import nn

from mmvisx.apis.run import build_runner, prepare_config
from mmvisx.cli.analysis import recipe_table
from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes
from mmvisx.registry import MODELS, PARAM_SCHEDULERS

# Tables 1.1 and 1.2: losses on training and validation images, mIoU on both; weight decay.
FCN = {
    'fcn_vgg16_raw_300e': (0.183, 0.623, 77.2, 37.9, 5e-4),
    'fcn_vgg16_pretrained_100e': (0.216, 0.382, 73.5, 50.4, 5e-4),
    'fcn_alexnet_raw_300e': (0.339, 0.669, 64.3, 31.1, 5e-4),
    'fcn_alexnet_pretrained_100e': (0.307, 0.521, 66.9, 38.4, 5e-4),
    'fcn_r18_raw_300e': (0.257, 0.471, 70.7, 41.1, 5e-4),
    'fcn_r18_pretrained_100e': (0.344, 0.392, 63.6, 47.1, 5e-4),
    'fcn_r18_raw_wd0_300e': (0.270, 0.565, 69.7, 38.0, 0),
    'fcn_r18_raw_wd1e4_300e': (0.236, 0.514, 72.7, 39.8, 1e-4),
    'fcn_r18_raw_wd1e3_300e': (0.330, 0.484, 66.1, 39.7, 1e-3),
    'fcn_r18_pretrained_wd0_100e': (0.323, 0.402, 66.0, 47.2, 0),
    'fcn_r18_pretrained_wd1e4_100e': (0.329, 0.400, 65.2, 47.4, 1e-4),
    'fcn_r18_pretrained_wd1e3_100e': (0.381, 0.399, 60.6, 45.7, 1e-3),
}
SUNET = [
    f'sunet64_{kind}_{data}'
    for kind in ('raw_300e', 'pretrained_90e')
    for data in ('voc2012_sbd', 'pascal_person_part')
]
RECIPES = [f'fcn_skip/{name}_voc2012_sbd_half' for name in FCN] + [
    f'stacked_unet/{name}' for name in SUNET
]
CAMVID = ['fcn_skip/fcn_r18_nano_camvid', 'stacked_unet/sunet_nano_camvid']
SHAPES = ['fcn_skip/fcn_r18_nano_shapes', 'stacked_unet/sunet_nano_shapes']


@pytest.fixture
def load(repo):
    """Read a recipe by folder and name."""
    return lambda name: Config.fromfile(repo / f'configs/{name}.py')


def build(cfg):
    """Build a model without weights."""
    with DefaultScope.overwrite_default_scope(cfg.default_scope), torch.device('meta'):
        return MODELS.build(cfg.model)


@pytest.mark.parametrize('name', FCN)
def test_numbers_of_tables_1_1_and_1_2(name, load, repo):
    name, numbers = f'{name}_voc2012_sbd_half', FCN[name]
    text = (repo / f'configs/fcn_skip/{name}.py').read_text().replace('\n# ', ' ')
    train_loss, loss, train_iou, iou, decay = numbers
    wanted = f'Expected: mIoU {iou}, on the training images {train_iou}, losses {loss:.3f} and '
    assert wanted + f'{train_loss:.3f} (Table 1.' in text
    assert load(f'fcn_skip/{name}').optim_wrapper.optimizer.weight_decay == decay


@pytest.mark.parametrize('folder', ['fcn_skip', 'stacked_unet'])
def test_the_readme_lists_the_recipes(folder, repo):
    assert recipe_table.main([str(repo / 'configs' / folder), '--check']) == 0


@pytest.mark.parametrize('name', RECIPES)
def test_hyper_parameters_of_tables_6_1_and_6_2(name, load):
    cfg = load(name)
    first_series = name.startswith('fcn_skip')
    pretrained = '_pretrained_' in name
    lr = 5e-3 if first_series else 2e-3
    epochs = {(True, False): 300, (True, True): 100, (False, False): 300, (False, True): 90}
    assert cfg.train_cfg.max_epochs == epochs[first_series, pretrained]
    assert (cfg.train_dataloader.batch_size, cfg.randomness.seed) == (10, 0)
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.momentum) == ('SGD', lr, 0.9)
    assert first_series or optimizer.weight_decay == 5e-4
    init = cfg.model.backbone.get('init_cfg')
    assert (init is not None) == pretrained
    model = build(cfg)
    groups = build_optim_wrapper(model, cfg.optim_wrapper).optimizer.param_groups
    rates = {id(p): group['lr'] for group in groups for p in group['params']}
    for key, parameter in model.named_parameters():
        expected = lr / 10 if pretrained and key.startswith('backbone.') else lr
        assert rates[id(parameter)] == pytest.approx(expected), key


@pytest.mark.parametrize('name', RECIPES)
def test_data(name, load):
    cfg = load(name)
    dataset = cfg.train_dataloader.dataset
    half = name.endswith('_half')
    assert dataset.ann_file.endswith(
        'person_part_train.txt'
        if 'person_part' in name
        else 'trainaug_half.txt' if half else 'trainaug.txt'
    )  # fmt: skip
    kind = 'PascalPersonPartDataset' if 'person_part' in name else 'PascalVOCDataset'
    assert dataset.type == f'mmvisx.{kind}'
    assert cfg.model.decode_head.num_classes == (7 if 'person_part' in name else 21)
    assert cfg.default_hooks.checkpoint.save_best == 'mIoU'
    assert cfg.model.decode_head.loss_decode.avg_non_ignore


@pytest.mark.parametrize(
    'name', ['fcn_skip/fcn_r18_raw_300e_voc2012_sbd_half', 'stacked_unet/' + SUNET[2]]
)
def test_rate_of_every_iteration(name, load):
    """Eq. 6.3, closed: ``lr * 0.5 * (1 + cos(pi * iteration / iterations))``."""
    cfg = load(name)
    (schedule,) = cfg.param_scheduler
    lr, length = cfg.optim_wrapper.optimizer.lr, 7
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=lr)
    scheduler = PARAM_SCHEDULERS.build(
        dict(schedule), default_args=dict(optimizer=optimizer, epoch_length=length)
    )
    total = cfg.train_cfg.max_epochs * length
    for iteration in range(total):
        expected = lr * 0.5 * (1 + math.cos(math.pi * iteration / total))
        assert optimizer.param_groups[0]['lr'] == pytest.approx(expected, rel=1e-5, abs=1e-12)
        optimizer.step()
        scheduler.step()


def test_printed_augmentation(load, tmp_path):
    """Scale, crop, flip, rotation, normalisation (6.1), in this order."""
    cfg = load(f'stacked_unet/{SUNET[0]}')
    steps = cfg.train_dataloader.dataset.pipeline
    kinds = [step.type.rsplit('.', 1)[-1] for step in steps]
    assert kinds[2:] == ['RandomScale', 'RandomCrop', 'RandomFlip', 'RandomRotate', 'PackSegInputs']
    assert (steps[2].low, steps[2].high) == (0.5, 2.0)
    assert (steps[3].crop_size, steps[4].prob) == ((512, 512), 0.5)
    assert (steps[5].prob, steps[5].degree) == (1.0, 10)
    image = np.random.default_rng(0).integers(0, 255, (400, 300, 3), np.uint8)
    Image.fromarray(image).save(tmp_path / 'a.png')
    Image.fromarray(image[..., 0] % 21).save(tmp_path / 'b.png')
    paths = dict(img_path=str(tmp_path / 'a.png'), seg_map_path=str(tmp_path / 'b.png'))
    info = dict(paths, seg_fields=[], reduce_zero_label=False, label_map=None)
    with DefaultScope.overwrite_default_scope('mmseg'):
        pipeline = Compose(steps)
        preprocessor = MODELS.build(cfg.model.data_preprocessor)
        packed = [pipeline(dict(info, seg_fields=[])) for _ in range(8)]
        sizes = {tuple(p['inputs'].shape[1:]) for p in packed}
        batch = preprocessor(
            dict(
                inputs=[p['inputs'] for p in packed],
                data_samples=[p['data_samples'] for p in packed],
            ),
            training=True,
        )
    assert len(sizes) > 1
    assert batch['inputs'].shape == (8, 3, 512, 512)
    labels = torch.stack([s.gt_sem_seg.data for s in batch['data_samples']])
    assert labels.shape == (8, 1, 512, 512)
    assert set(labels.unique().tolist()) <= {*range(21), 255}
    white = torch.full((3, 512, 512), 255, dtype=torch.uint8)
    out = preprocessor(dict(inputs=[white], data_samples=None), training=False)['inputs'][0]
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    np.testing.assert_allclose(out[:, 0, 0], (1 - mean) / std, rtol=1e-5)


@pytest.mark.parametrize(('name', 'parameters'), [(SUNET[0], 12_976_981), (SUNET[1], None)])
def test_parameters(name, parameters, load):
    found = sum(p.numel() for p in build(load(f'stacked_unet/{name}')).parameters())
    # The classifier of 7 classes in place of that of 21.
    assert found == (parameters or 12_976_981 - 14 * 513)


@pytest.mark.parametrize(
    ('name', 'parameters'),
    [
        ('sunet64', 6_910_248),
        ('sunet128', 24_704_360),
        ('sunet7128', 39_113_832),
        ('sunet7128_paper', 37_731_944),
    ],
)
def test_classifiers_for_pretraining(name, parameters, load):
    """The features of SUNet-64 are those that the segmentor's recipe loads."""
    cfg = load(f'stacked_unet/{name}_120e_imagenet')
    classifier = build(cfg)
    assert sum(p.numel() for p in classifier.parameters()) == parameters
    assert classifier(torch.empty(2, 3, 224, 224, device='meta')).shape == (2, 1000)
    if name == 'sunet64':
        segmentor = load('stacked_unet/sunet64_pretrained_90e_voc2012_sbd')
        assert segmentor.model.backbone.init_cfg.prefix == 'backbone.'
        shapes = {k: v.shape for k, v in classifier.backbone.state_dict().items()}
        assert shapes == {k: v.shape for k, v in build(segmentor).backbone.state_dict().items()}


@cache
def segmentor(repo, name):
    """Build a segmentor on the meta device, once for all sizes."""
    return build(Config.fromfile(repo / f'configs/{name}.py')).eval()


SEGMENTORS = [
    f'stacked_unet/{SUNET[0]}',
    *(f'fcn_skip/fcn_{net}_raw_300e_voc2012_sbd_half' for net in ('r18', 'vgg16', 'alexnet')),
]


def check_output_size(model, height, width):
    images = torch.empty(1, 3, height, width, device='meta')
    metas = [dict(img_shape=(height, width), ori_shape=(height, width))]
    assert model.encode_decode(images, metas).shape == (1, 21, height, width)


@pytest.mark.parametrize('name', SEGMENTORS)
def test_some_sizes_come_back(name, repo):
    for size in (65, 66, 127, 224, 321, 513):
        check_output_size(segmentor(repo, name), size, 65 + 513 - size)


@pytest.mark.slow
@pytest.mark.parametrize('name', SEGMENTORS)
def test_every_size_from_65_to_513_comes_back(name, repo):
    for size in range(65, 290):  # as height or as width
        check_output_size(segmentor(repo, name), size, 65 + 513 - size)


def test_scores_of_odd_images_are_numbers(load):
    """With weights, in the small network."""
    cfg = load('stacked_unet/sunet_nano_camvid')
    with DefaultScope.overwrite_default_scope('mmseg'):
        model = MODELS.build(cfg.model).eval()
        model.init_weights()
    for size in ((65, 97), (101, 66)):
        metas = [dict(img_shape=size, ori_shape=size)]
        with torch.no_grad():
            scores = model.encode_decode(torch.randn(1, 3, *size), metas)
        assert scores.shape == (1, 11, *size)
        assert scores.isfinite().all()


@pytest.fixture(scope='module')
def camvid(tmp_path_factory):
    """Two small images of each split; the left half of an image is brighter."""
    root = tmp_path_factory.mktemp('camvid')
    random = np.random.default_rng(0)
    for split in ('train', 'val', 'test'):
        for folder in (split, f'{split}annot'):
            (root / folder).mkdir()
        for name in 'ab':
            picture = random.integers(0, 120, (180, 240, 3), np.uint8)
            picture[:, :120] += 120
            labels = np.full((180, 240), 3, np.uint8)
            labels[:, :120], labels[:9] = 0, 11
            Image.fromarray(picture).save(root / split / f'{name}.png')
            Image.fromarray(labels).save(root / f'{split}annot' / f'{name}.png')
    return root


@pytest.fixture(scope='module')
def shapes(tmp_path_factory):
    """Six training and two held-out rendered images."""
    root = tmp_path_factory.mktemp('data') / 'shapes'
    make_shapes(root, ShapesConfig(train=6, val=2, size=96))
    return root / 'VOCdevkit' / 'VOC2012'


@pytest.mark.parametrize('name', CAMVID + SHAPES)
def test_nano_trains_and_evaluates(name, camvid, shapes, repo, tmp_path):
    options = {
        'train_cfg.max_iters': 2,
        'train_cfg.val_interval': 2,
        'train_dataloader.batch_size': 2,
        'param_scheduler': [],
    }
    cfg = prepare_config(repo / f'configs/{name}.py', tmp_path, options)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.data_root = f'{camvid if "camvid" in name else shapes}/'
    runner = build_runner(cfg)
    before = {k: v.clone() for k, v in runner.model.state_dict().items()}
    runner.train()
    assert runner.iter == 2
    assert (tmp_path / 'iter_2.pth').is_file()
    assert any(not torch.equal(before[k], v) for k, v in runner.model.state_dict().items())
    assert 0 <= runner.message_hub.get_scalar('val/mIoU').current() <= 100

    init_default_scope('mmseg')
    model = runner.model.train()
    batch = model.data_preprocessor(next(iter(runner.train_dataloader)), training=True)
    assert batch['inputs'].shape[-2:] == tuple(cfg.crop_size)
    model.zero_grad()
    losses = model(**batch, mode='loss')
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []
