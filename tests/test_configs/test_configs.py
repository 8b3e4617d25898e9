"""The recipes: every one builds, the chapter's numbers, the nano ones train and evaluate."""

from pathlib import Path

import mmdet
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope, init_default_scope

from mmvisx.apis.run import build_runner, prepare_config
from mmvisx.apis.series import load_series
from mmvisx.datasets import SHAPES_CLASSES, SHAPES_STUFF
from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes
from mmvisx.models.backbones import DetectoRSResNet
from mmvisx.registry import HOOKS, MODELS
from mmvisx.utils.config.signatures import resolve_type

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
NAMES = sorted(
    str(path.relative_to(CONFIGS))
    for path in CONFIGS.rglob('*.py')
    if not {'_base_', '_series_'} & set(path.relative_to(CONFIGS).parts)
)
SERIES = sorted(path.name for path in (CONFIGS / '_series_').glob('*.py'))
CHAPTER = [f'detectors/{name}.py' for name in ('htc', 'htc_rfp', 'htc_sac', 'htc_rfp_sac')]
MMDET_CONFIGS = Path(mmdet.__file__).parent / '.mim' / 'configs'


def load(name):
    """Read a config of this package."""
    return Config.fromfile(CONFIGS / name)


# The detectors'; segmentors have tests of their own.
NANO = [n for n in NAMES if '_nano_shapes' in n and load(n).default_scope == 'mmdet']
# Their annotations lack a class, which a command takes out: they have tests of their own.
NANO = [n for n in NANO if not n.startswith('few_shot/')]


def unwrap(dataset):
    """Return the data sets inside ConcatDataset or RepeatDataset."""
    if 'datasets' in dataset:
        return [inner for part in dataset.datasets for inner in unwrap(part)]
    return unwrap(dataset.dataset) if 'dataset' in dataset else [dataset]


def reference_model(path):
    """Read the model of one of mmdet's configs, with what it leaves to defaults."""
    model = Config.fromfile(MMDET_CONFIGS / path).model.to_dict()
    for head in model['roi_head']['mask_head']:
        head.setdefault('with_conv_res', True)
    rfp = model['neck'].get('rfp_backbone')
    if rfp:  # an older way to write the same
        rfp['init_cfg'] = dict(type='Pretrained', checkpoint=rfp.pop('pretrained'))
    return model


# A training that is not validated, or an autoencoder's, which is not tested, has not all of them.
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
EVALUATORS = ('val_evaluator', 'test_evaluator')


@pytest.fixture(autouse=True)
def _scope():
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


@pytest.mark.parametrize(
    'name', [n for n in NAMES if '_nano_' in n and load(n).default_scope == 'mmdet']
)
def test_results_do_not_depend_on_the_other_images_of_a_batch(name):
    """Images of one batch are padded to one size, which changes what is found in them."""
    cfg = load(name)
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        for dataset in unwrap(loader.dataset):
            sizes = [s for s in dataset.pipeline if s.type.rpartition('.')[2] == 'Resize']
            one_size = all(s.get('keep_ratio') is False for s in sizes)
            rendered = 'context' in name  # all of 128 x 128
            assert loader.batch_size == 1 or one_size or rendered


@pytest.fixture(scope='module')
def shapes(tmp_path_factory):
    """Six training and two held-out images in both layouts."""
    root = tmp_path_factory.mktemp('data') / 'shapes'
    make_shapes(root, ShapesConfig(train=6, val=2, size=96))
    return root


def on_shapes(name, shapes, work_dir):
    """Read a nano config and point it to the small data set, without worker processes."""
    cfg = prepare_config(CONFIGS / name, work_dir)
    layout = 'VOCdevkit' if 'voc' in name else 'coco'
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False, batch_size=3)
        for dataset in unwrap(loader.dataset):
            dataset.data_root = f'{shapes / layout}/'
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        if 'ann_file' in evaluator:
            evaluator.ann_file = str(shapes / 'coco/annotations/instances_val.json')
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    cfg.default_hooks.logger.interval = 1
    return cfg


def largest_loss(name):
    """Return what a nano recipe's loss stays below; YOLOv3 sums over the batch."""
    return 2000 if 'yolov3' in name else 30


def test_the_expected_recipes_are_there():
    expected = {
        *CHAPTER,
        'detectors/htc_rfp_sac_without_semantic.py',
        'detectors/htc_rfp_sac_nano_shapes.py',
        'voc/faster_rcnn_resnet50_voc0712.py',
    }
    assert expected <= set(NAMES)
    assert any(name.startswith('voc/') for name in NANO)


@pytest.mark.parametrize('name', NAMES)
def test_builds(name):
    cfg = load(name)
    assert cfg.default_scope in ('mmdet', 'mmpretrain', 'mmseg', 'mmengine')
    init_default_scope(cfg.default_scope)
    # mmpretrain's ResNet reads numbers from tensors, which the meta device does not have.
    networks = [cfg.model, *cfg.model.get('views', [])]
    reads = cfg.default_scope == 'mmpretrain' and any(
        network.get('backbone', {}).get('type') == 'ResNet' for network in networks
    )
    with torch.device('cpu' if reads else 'meta'):
        model = MODELS.build(cfg.model)
    assert any(p.requires_grad for p in model.parameters())
    for loader in filter(None, map(cfg.get, LOADERS)):
        for dataset in unwrap(loader.dataset):
            Compose(dataset.get('pipeline', []))
            assert resolve_type(dataset.type, cfg.default_scope) is not None
    for evaluators in filter(None, map(cfg.get, EVALUATORS)):
        for evaluator in evaluators if isinstance(evaluators, list) else [evaluators]:
            assert resolve_type(evaluator.type, cfg.default_scope) is not None
    for hook in cfg.custom_hooks:
        HOOKS.build(hook)


@pytest.mark.parametrize('name', NAMES)
def test_starts_with_command_hardware_and_number(name):
    head = (CONFIGS / name).read_text().split('_base_', 1)[0]
    assert head.startswith('#'), 'no comment at the top'
    assert f'configs/{name}' in head, 'no command'


@pytest.mark.parametrize('name', NAMES)
def test_watches_the_loss_and_the_random_state(name):
    hooks = [hook.type for hook in load(name).custom_hooks]
    assert 'mmvisx.CheckFiniteLossHook' in hooks
    assert 'mmvisx.RandomStateHook' in hooks


@pytest.mark.parametrize('name', CHAPTER)
def test_chapter_schedule(name):
    cfg = load(name)
    assert cfg.train_cfg.max_epochs == 12
    warm_up, steps = cfg.param_scheduler
    assert (warm_up.type, warm_up.begin, warm_up.end, warm_up.by_epoch) == (
        'LinearLR',
        0,
        500,
        False,
    )
    assert (steps.type, list(steps.milestones), steps.gamma) == ('MultiStepLR', [8, 11], 0.1)
    assert (steps.begin, steps.end, steps.by_epoch) == (0, 12, True)
    assert cfg.optim_wrapper.optimizer == dict(
        type='SGD', lr=0.02, momentum=0.9, weight_decay=0.0001
    )
    assert cfg.optim_wrapper.clip_grad == dict(max_norm=35, norm_type=2)
    assert cfg.auto_scale_lr == dict(enable=False, base_batch_size=16)
    # 8 GPUs
    assert 8 * cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size


@pytest.mark.parametrize('name', CHAPTER)
def test_chapter_heads_and_data(name):
    cfg = load(name)
    assert cfg.model.roi_head.semantic_head.num_classes == 183
    assert cfg.model.roi_head.semantic_head.loss_seg.loss_weight == 0.2
    assert cfg.model.roi_head == load(CHAPTER[0]).model.roi_head
    assert cfg.train_pipeline[2] == dict(type='Resize', scale=(1333, 800), keep_ratio=True)
    dataset = cfg.train_dataloader.dataset
    assert dataset.data_root == 'data/coco/'
    assert dataset.ann_file == 'annotations/instances_train2017.json'
    assert dataset.data_prefix == dict(img='train2017/', seg='stuffthingmaps/train2017/')


def test_baseline_is_mmdets_htc():
    ours = load('detectors/htc.py').model.to_dict()
    assert ours == reference_model('htc/htc_r50_fpn_1x_coco.py')


@pytest.mark.parametrize(
    ('ours', 'theirs'),
    [
        ('htc_rfp', 'htc_r50-rfp_1x_coco'),
        ('htc_sac', 'htc_r50-sac_1x_coco'),
        ('htc_rfp_sac', 'detectors_htc-r50_1x_coco'),
    ],
)
def test_detectors_models_are_mmdets(ours, theirs):
    names = {
        'mmvisx.DetectoRSResNet': 'DetectoRS_ResNet',
        'mmvisx.RecursiveFeaturePyramid': 'RFP',
        'mmvisx.SwitchableAtrousConv2d': 'SAC',
        'mmvisx.ConvAWS2d': 'ConvAWS',
    }

    def translate(value):
        if isinstance(value, dict):
            return {k: translate(v) for k, v in value.items()}
        if isinstance(value, list):
            return [translate(v) for v in value]
        return names.get(value, value) if isinstance(value, str) else value

    reference = reference_model(f'detectors/{theirs}.py')
    assert translate(load(f'detectors/{ours}.py').model.to_dict()) == reference


def test_voc_schedule():
    cfg = load('voc/faster_rcnn_resnet50_voc0712.py')
    assert cfg.model.roi_head.bbox_head.num_classes == 20
    years = [(d.ann_file, d.data_root) for d in cfg.train_dataloader.dataset.datasets]
    assert years == [
        (f'VOC{year}/ImageSets/Main/trainval.txt', 'data/VOCdevkit/') for year in (2007, 2012)
    ]
    assert cfg.test_dataloader.dataset.ann_file == 'VOC2007/ImageSets/Main/test.txt'
    # mmdet: 4 epochs of the data set repeated 3 times, a drop after the third.
    assert cfg.train_cfg.max_epochs == 4 * 3
    assert cfg.param_scheduler[-1].milestones == [3 * 3]


def test_nano_has_the_architecture_of_detectors():
    model = load('detectors/htc_rfp_sac_nano_shapes.py').model
    full = load('detectors/htc_rfp_sac.py').model
    for path in ('type', 'backbone.type', 'backbone.sac', 'backbone.conv_cfg', 'neck.type'):
        a, b = model, full
        for key in path.split('.'):
            a, b = a[key], b[key]
        assert a == b, path
    assert model.neck.rfp_steps == full.neck.rfp_steps == 2
    assert model.neck.rfp_backbone.sac == full.neck.rfp_backbone.sac
    assert model.roi_head.num_stages == full.roi_head.num_stages
    assert model.roi_head.mask_info_flow
    assert model.roi_head.interleaved
    semantic = model.roi_head.semantic_head
    assert semantic.num_classes == len(SHAPES_CLASSES) + len(SHAPES_STUFF)
    assert all(head.num_classes == len(SHAPES_CLASSES) for head in model.roi_head.bbox_head)


@pytest.mark.parametrize('name', NANO)
def test_nano_trains_and_evaluates(name, shapes, tmp_path):
    cfg = on_shapes(name, shapes, tmp_path)
    runner = build_runner(cfg)
    before = {k: v.clone() for k, v in runner.model.state_dict().items()}
    runner.train()
    assert runner.iter == 2
    history = runner.message_hub
    assert history.get_scalar('train/loss').current() < largest_loss(name)
    metrics = {k for k in history.log_scalars if k.startswith('val/')}
    kinds = cfg.val_evaluator.get('metric', ())
    wanted = {f'{kind}_mAP' for kind in ([kinds] if isinstance(kinds, str) else kinds)}
    wanted = wanted or {'mAP_11points', 'mAP_area'}  # VOC's
    assert wanted <= {key.rsplit('/', 1)[-1] for key in metrics}, metrics
    after = runner.model.state_dict()
    assert any(not torch.equal(before[k], after[k]) for k in before)
    assert (tmp_path / 'epoch_1.pth').is_file()


@pytest.mark.parametrize('name', NANO)
def test_nano_starts_with_small_losses_and_learns_everywhere(name, shapes, tmp_path):
    runner = build_runner(on_shapes(name, shapes, tmp_path))
    init_default_scope('mmdet')
    model = runner.model
    model.init_weights()
    model.train()
    batch = next(iter(runner.build_dataloader(runner.cfg.train_dataloader, seed=0)))
    data = model.data_preprocessor(batch, training=True)
    losses = model(**data, mode='loss')
    total, logged = model.parse_losses(losses)
    for key, value in logged.items():
        assert torch.isfinite(value), key
        assert 'loss' not in key or value < largest_loss(name), (key, value)
    # Parameters that start at zero hold back the gradient of what stands in front of them.
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, DetectoRSResNet):
                for parameter in module.parameters():
                    if not parameter.any():
                        parameter.normal_(0, 0.05)
    model.zero_grad()
    total = model.parse_losses(model(**data, mode='loss'))[0]
    total.backward()
    without = [k for k, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not without
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize('name', SERIES)
def test_series(name, repo, monkeypatch):
    monkeypatch.chdir(repo)
    path = CONFIGS / '_series_' / name
    assert f'configs/_series_/{name}' in path.read_text().split('=', 1)[0], 'no command'
    for row in load_series(path).rows:
        cfg = prepare_config(row.config, options=dict(row.options))
        with DefaultScope.overwrite_default_scope(cfg.default_scope), torch.device('meta'):
            MODELS.build(cfg.model)
