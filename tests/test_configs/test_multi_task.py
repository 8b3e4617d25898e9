"""The joint recipes: rates, data, periods; small ones train, resume and evaluate."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope

from mmvisx.apis.run import build_runner, enable_amp, prepare_config, set_resume
from mmvisx.apis.series import load_series
from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes
from mmvisx.engine.optim import AsynchronousSGD
from mmvisx.registry import MODELS
from mmvisx.utils import UserError
from tests.helpers.processes import run

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
FULL = sorted(p.stem for p in (CONFIGS / 'multi_task').glob('*_voc_*.py'))
NANO = sorted(p.stem for p in (CONFIGS / 'multi_task').glob('*_nano_shapes.py'))
SUNET, HEAD = 5_885_248, 12_976_981 - 5_885_248  # trunk; de-gridding head of 21 classes


@pytest.fixture
def load():
    """Read a recipe by name."""
    return lambda name: Config.fromfile(CONFIGS / 'multi_task' / f'{name}.py')


def build(cfg):
    """Build a model without weights."""
    with DefaultScope.overwrite_default_scope(cfg.default_scope), torch.device('meta'):
        return MODELS.build(cfg.model)


def test_the_expected_recipes_are_there():
    assert len(NANO) == 8
    for start in ('raw', 'pretrained'):
        epochs = 300 if start == 'raw' else 90
        for kind in ('async', 'sgd'):
            assert f'sunet64_{start}_{kind}_{epochs}e_voc_person_part' in FULL
        assert f'sunet64_{start}_async_{epochs}e_voc_lip' in FULL


@pytest.mark.parametrize('name', FULL)
def test_rates_periods_and_data(name, load):
    cfg = load(name)
    model = build(cfg)
    parts = 20 if name.endswith('lip') else 7
    assert [h.num_classes for h in model.task_heads.values()] == [21, parts]
    if name.startswith('sunet64'):
        width = (HEAD - 21 * 4) // 21  # what a class adds, if the rest were nothing
        single = sum(p.numel() for p in model.task_heads['semantic'].parameters())
        part = sum(p.numel() for p in model.task_heads['part'].parameters())
        assert single == HEAD
        assert 0 < HEAD - part < width * 21
        assert sum(p.numel() for p in model.backbone.parameters()) == SUNET
    pretrained = '_pretrained_' in name
    fcn = name.startswith('fcn')
    lr = 5e-3 if fcn else 2e-3
    epochs = (100 if fcn else 90) if pretrained else 300
    assert (cfg.train_cfg.max_epochs, cfg.train_dataloader.batch_size) == (epochs, 10)
    assert (cfg.model.backbone.get('init_cfg') is not None) == pretrained
    optim = build_optim_wrapper(model, cfg.optim_wrapper)
    trunk_lr = lr / 10 if pretrained else lr
    if '_async_' in name:
        assert isinstance(optim, AsynchronousSGD)
        assert optim.periods == dict(trunk=20, semantic=10, part=10)
        rates = {k: v for k, v in optim.get_lr().items() if 'base' not in k}
        assert rates == {
            'trunk.lr': [pytest.approx(trunk_lr)],
            'semantic.lr': [lr],
            'part.lr': [lr],
        }
        groups = [g for w in optim.values() for g in w.optimizer.param_groups]
    else:
        groups = optim.optimizer.param_groups
        of_trunk = {id(p) for p in model.backbone.parameters()}
        for group in groups:
            for p in group['params']:
                assert group['lr'] == pytest.approx(trunk_lr if id(p) in of_trunk else lr)
    assert {group['weight_decay'] for group in groups} == {5e-4}
    assert {group['momentum'] for group in groups} == {0.9}
    found = [id(p) for group in groups for p in group['params']]
    assert sorted(found) == sorted(id(p) for p in model.parameters())
    tasks = cfg.train_dataloader.dataset.tasks
    lists = [tasks[task].ann_file.rsplit('/', 1)[-1] for task in ('semantic', 'part')]
    lip = ['trainaug.txt', 'train.txt']
    assert lists == (lip if name.endswith('lip') else ['person_part_train.txt'] * 2)
    for split in ('train', 'val'):
        for task in cfg[f'{split}_dataloader'].dataset.tasks.values():
            assert task.data_prefix.img_path in ('JPEGImages', 'images')


def test_printed_augmentation(load):
    pipeline = load('sunet64_raw_async_300e_voc_person_part').train_dataloader.dataset.pipeline
    steps = {step.type: step for step in pipeline}
    assert list(steps) == [
        'mmvisx.LoadImageFromFile',
        'mmvisx.LoadTaskAnnotations',
        'mmvisx.RandomScale',
        'RandomCrop',
        'mmvisx.RandomFlip',
        'RandomRotate',
        'mmvisx.PackTaskInputs',
    ]
    assert (steps['mmvisx.RandomScale'].low, steps['mmvisx.RandomScale'].high) == (0.5, 2)
    assert steps['RandomCrop'].crop_size == (512, 512)
    assert steps['mmvisx.RandomFlip'].prob == 0.5
    assert (steps['RandomRotate'].prob, steps['RandomRotate'].degree) == (1.0, 10)
    with DefaultScope.overwrite_default_scope('mmseg'):
        Compose(pipeline)


@pytest.fixture(scope='module')
def shapes(tmp_path_factory):
    """24 training images, the second half for parts, and two to validate on."""
    root = tmp_path_factory.mktemp('shapes') / 'shapes'
    make_shapes(root, ShapesConfig(train=24, val=2, size=64, parts=True))
    return root


@pytest.fixture
def small(shapes):
    """Read a nano recipe and point it to the small data set."""

    def read(name, work_dir, iterations=2):
        options = {
            'data_root': f'{shapes}/',
            'train_cfg.max_iters': iterations,
            'train_cfg.val_interval': iterations,
            'train_dataloader.batch_size': 4,
            'default_hooks.checkpoint.interval': 2,
            'default_hooks.logger.interval': 1,
            'randomness.seed': 0,
        }
        cfg = prepare_config(CONFIGS / 'multi_task' / f'{name}.py', work_dir, options)
        for split, halves in (
            ('train', dict(semantic=range(12), part=range(12, 24))),
            ('val', dict(semantic=range(2), part=range(2))),
        ):
            dataset = cfg[f'{split}_dataloader'].dataset
            dataset.serialize_data = False  # which collects all garbage
            for task, source in dataset.tasks.items():
                source.indices = list(halves[task])
        cfg.test_dataloader = cfg.val_dataloader
        return cfg

    return read


# The others differ in the network or the task only.
QUICK = {'fcn_r18_async_nano_shapes', 'sunet_sgd_nano_shapes', 'sunet_part_nano_shapes'}


@pytest.mark.parametrize(
    'name', [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in NANO]
)
def test_nano_trains_and_evaluates(name, small, tmp_path):
    runner = build_runner(small(name, tmp_path))
    before = {k: v.clone() for k, v in runner.model.state_dict().items()}
    runner.train()
    assert runner.iter == 2
    scalars = runner.message_hub.log_scalars
    tasks = list(runner.model.task_heads)
    for task in tasks:
        assert 0 <= scalars[f'val/{task}/mIoU'].current() <= 100
        assert 0 < scalars[f'train/{task}.loss_ce'].current() < 5
        # After two steps the norms' running statistics are far from those of a batch.
        assert 0 < scalars[f'val/{task}/val_loss'].current() < 100
    assert len(tasks) == (2 if 'async' in name or 'sgd' in name else 1)
    after = runner.model.state_dict()
    changed = {k.split('.')[0] for k in before if not torch.equal(before[k], after[k])}
    assert 'backbone' in changed


def test_resumed_run_ends_with_the_weights_of_the_uninterrupted(small, tmp_path):
    """With something waiting: 8 images have reached the trunk, which steps after 20."""
    name = 'fcn_r18_async_nano_shapes'
    whole = build_runner(small(name, tmp_path / 'whole', 6))
    whole.train()

    cfg = small(name, tmp_path / 'broken', 6)
    set_resume(cfg, str(tmp_path / 'whole' / 'iter_2.pth'))
    saved = torch.load(tmp_path / 'whole' / 'iter_2.pth', weights_only=True)['optimizer']
    assert saved['asynchronous']['counts']['trunk'] == 8
    assert any(grad is not None for grad in saved['asynchronous']['pending']['trunk'])
    resumed = build_runner(cfg)
    resumed.train()
    assert resumed.iter == 6
    one, other = (
        torch.load(tmp_path / folder / 'iter_6.pth', weights_only=True)
        for folder in ('whole', 'broken')
    )
    for key, value in one['state_dict'].items():
        assert torch.equal(value, other['state_dict'][key]), key
    assert (
        one['optimizer']['asynchronous']['counts'] == other['optimizer']['asynchronous']['counts']
    )
    for part, pending in one['optimizer']['asynchronous']['pending'].items():
        for a, b in zip(pending, other['optimizer']['asynchronous']['pending'][part], strict=True):
            assert (a is None and b is None) or torch.equal(a, b)


@pytest.mark.slow
def test_two_processes_train_a_recipe(small, tmp_path, repo):
    """Batches of one image: in most steps a process has none of one task."""
    cfg = small('fcn_r18_async_nano_shapes', tmp_path, 6)
    cfg.train_dataloader.batch_size = 1
    cfg.optim_wrapper.update(trunk_images=5, task_images=2)
    cfg.default_hooks.checkpoint.interval = 6
    cfg.dump(tmp_path / 'recipe.py')
    run('bash', 'tools/dist_train.sh', tmp_path / 'recipe.py', 2)
    state = torch.load(tmp_path / 'iter_6.pth', weights_only=True)['optimizer']['asynchronous']
    # 12 images of both processes: steps after 6 and 12 of them.
    assert state['counts']['trunk'] == 0
    assert state['counts']['semantic'] + state['counts']['part'] < 2 * 2
    (log,) = tmp_path.glob('*/vis_data/scalars.json')
    assert 'part/mIoU' in log.read_text()


def test_amp_and_own_schedules(small, tmp_path):
    cfg = small('fcn_r18_async_nano_shapes', tmp_path)
    enable_amp(cfg)
    assert cfg.optim_wrapper.dtype == 'bfloat16'
    schedule = cfg.param_scheduler[0]
    cfg.param_scheduler = dict(
        trunk=[dict(schedule, T_max=4)], semantic=[dict(schedule)], part=[dict(schedule, T_max=2)]
    )
    runner = build_runner(cfg)
    runner.train()
    rates = {k: v[0] for k, v in runner.optim_wrapper.get_lr().items() if k.endswith('.lr')}
    assert rates['part.lr'] < rates['trunk.lr'] < rates['semantic.lr']


def test_a_task_that_the_heads_or_data_lack_is_named(small, tmp_path):
    cfg = small('fcn_r18_async_nano_shapes', tmp_path)
    cfg.optim_wrapper.task_images = dict(semantic=10)
    with pytest.raises(UserError, match=r'task_images has \[.semantic.\]'):
        build_runner(cfg).train()
    cfg = small('fcn_r18_async_nano_shapes', tmp_path)
    cfg.train_dataloader.dataset.tasks.part.indices = []
    with pytest.raises(UserError, match="task 'part' of MultiTaskDataset"):
        build_runner(cfg).train()


def test_series_names_every_experiment(repo, monkeypatch):
    monkeypatch.chdir(repo)
    series = load_series('configs/_series_/multi_task_voc.py')
    names = [row.name for row in series.rows]
    assert {name.split()[0].rstrip(',') for name in names} == {f'E{k}' for k in range(1, 9)}
    assert sum(name.startswith(('E1,', 'E2,')) for name in names) == 8
    for row in series.rows:
        cfg = prepare_config(row.config, options=dict(row.options))
        evaluators = (
            cfg.val_evaluator if isinstance(cfg.val_evaluator, list) else [cfg.val_evaluator]
        )
        prefixes = {e.get('prefix') or e.get('task') for e in evaluators}
        wanted = {'E5': {'part'}, 'E6': {'part'}}.get(
            row.name, {'semantic', 'part'} if row.name[:2] in ('E7', 'E8') else {'semantic'}
        )
        assert prefixes == wanted, row.name
        if row.name[:2] in ('E3', 'E4'):
            assert cfg.train_dataloader.dataset.ann_file.endswith('person_part_train.txt')
