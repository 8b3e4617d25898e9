"""What each task adds to a test, and that nothing else asks for a config's scope."""

import ast

import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.registry import HOOKS, INFERENCERS, METRICS, MODELS, VISUALIZERS, init_default_scope
from torch.utils.data import Dataset

from mmvisx.apis import run
from mmvisx.apis.ensemble import enable_ensemble
from mmvisx.apis.tta import enable_tta
from mmvisx.cli.analysis.browse_dataset import browse
from mmvisx.utils import UserError
from mmvisx.utils.config.classes import set_classes
from mmvisx.utils.predictions import read_predictions
from mmvisx.utils.tasks import TASKS, task_of

RECIPES = {
    'mmdet': 'detectors/htc_nano_shapes',
    'mmseg': 'stacked_unet/sunet_nano_camvid',
    'mmpretrain': 'gunn/gunn15_nano_cifar10',
}
# What tools/test.py adds to the recipe: hooks, pictures, dump, evaluator, model of --tta.
ADDED = {
    'mmdet': dict(
        checks=[],
        pictures=['mmdet.DetVisualizationHook'],
        dump='DumpDetResults',
        metric='mmvisx.CocoMetric',
        views='mmvisx.DetTTAModel',
        inferencer='Inferencer',
    ),
    'mmseg': dict(
        checks=['mmvisx.CheckSegLabelsHook'],
        pictures=['mmvisx.SegmentationPicturesHook'],
        dump='DumpResults',
        metric='mmseg.IoUMetric',
        views='mmvisx.SegTTAModel',
        inferencer='SegmentationInferencer',
    ),
    'mmpretrain': dict(
        checks=['mmvisx.CheckLabelsHook'],
        pictures=['mmvisx.ClassificationPicturesHook'],
        dump='DumpResults',
        metric='mmpretrain.Accuracy',
        views='mmpretrain.AverageClsScoreTTA',
        inferencer='ClassificationInferencer',
    ),
}


def recipe(repo, scope, tmp_path):
    return run.prepare_config(repo / 'configs' / f'{RECIPES[scope]}.py', tmp_path / 'work')


def full_type(node, scope):
    kind = node['type']
    return kind if '.' in kind else f'{scope}.{kind}'


@pytest.mark.parametrize('scope', sorted(ADDED))
def test_what_a_task_adds(repo, scope, tmp_path):
    added = ADDED[scope]
    cfg = recipe(repo, scope, tmp_path)
    cfg.custom_hooks = []
    cfg.default_hooks.pop('visualization', None)
    run.add_label_check(cfg)
    assert [hook.type for hook in cfg.custom_hooks] == added['checks']
    run.add_label_check(cfg)  # which the config has now
    assert [hook.type for hook in cfg.custom_hooks] == added['checks']

    cfg.custom_hooks = []
    run.draw_predictions(cfg, tmp_path / 'show')
    hooks = [*cfg.custom_hooks, *filter(None, [cfg.default_hooks.get('visualization')])]
    assert [hook.type for hook in hooks] == added['pictures']
    assert str(tmp_path / 'show') in hooks[0].values()

    init_default_scope(scope)
    dump = run.prediction_dump(cfg, tmp_path / 'x.npz')
    assert (type(dump.dump).__name__, dump.path) == (added['dump'], tmp_path / 'x.npz')
    run.use_own_metrics(cfg)
    evaluators = cfg.test_evaluator
    first = evaluators[0] if isinstance(evaluators, list) else evaluators
    assert full_type(first, scope) == added['metric']
    enable_tta(cfg)
    assert full_type(cfg.model, scope) == added['views']


@pytest.mark.parametrize('scope', sorted(ADDED))
def test_every_name_of_a_task_is_there(scope):
    task = TASKS[scope]
    init_default_scope(scope)
    for registry, kind in (
        (METRICS, task.prediction_dump),
        (HOOKS, task.picture_hook),
        (HOOKS, task.label_check),
        (VISUALIZERS, task.visualizer),
        (MODELS, task.ensemble),
        (INFERENCERS, task.inferencer),
    ):
        assert kind is None or isinstance(registry.get(kind), type), kind
    for name in ('tta', 'classes', 'sample_picture'):
        assert callable(task.need(name, 'this test'))
    assert INFERENCERS.get(task.inferencer).__name__ == ADDED[scope]['inferencer']


class Numbers(Dataset):
    """Eight numbers, no classes."""

    def __len__(self):
        return 8

    def __getitem__(self, index):
        return dict(number=torch.tensor(float(index)))


class Doubled(BaseModel):
    """Twice a number."""

    def forward(self, number, mode='tensor'):
        return [dict(value=2 * float(one)) for one in number]


class MeanValue(BaseMetric):
    """The mean of what is predicted."""

    def process(self, data_batch, data_samples):
        self.results += [sample['value'] for sample in data_samples]

    def compute_metrics(self, results):
        return dict(mean=sum(results) / len(results))


@pytest.mark.parametrize('scope', ['mmengine', 'mmvisx'])
def test_a_model_of_no_task_runs_without_classes(scope, tmp_path):
    loader = dict(dataset=dict(type=Numbers), batch_size=3)
    loader['sampler'] = dict(type='DefaultSampler', shuffle=False)
    cfg = Config(
        dict(
            default_scope=scope,
            model=dict(type=Doubled),
            test_dataloader=loader,
            test_evaluator=dict(type=MeanValue),
            test_cfg=dict(),
            work_dir=str(tmp_path / 'work'),
        )
    )
    before = cfg.to_dict()
    run.add_label_check(cfg)
    run.use_own_metrics(cfg)
    assert cfg.to_dict() == before
    runner = run.build_runner(cfg)
    runner.test_evaluator.metrics.append(run.prediction_dump(cfg, tmp_path / 'all.npz'))
    assert runner.test() == dict(mean=7.0)
    predictions = read_predictions(tmp_path / 'all.npz')
    assert [prediction['value'] for prediction in predictions] == [0, 2, 4, 6, 8, 10, 12, 14]
    for option, act in (
        ('--show-dir', lambda: run.draw_predictions(cfg, tmp_path)),
        ('--tta', lambda: enable_tta(cfg)),
        ('--classes', lambda: set_classes(cfg, ('a', 'b'))),
        ('browsing', lambda: next(browse(cfg, 1))),
    ):
        message = f"{option} is not possible with default_scope='{scope}'.*mmdet, mmseg, mmpretrain"
        with pytest.raises(UserError, match=message):
            act()
    with pytest.raises(UserError, match='averages the class probabilities'):
        enable_ensemble(cfg, ['a.pth', 'b.pth'])


def test_an_unknown_scope(repo, tmp_path):
    path = repo / 'configs' / f'{RECIPES["mmseg"]}.py'
    with pytest.raises(UserError, match=r"'mmsegm' .*did you mean mmseg\?.*mmdet, mmseg, mmpretr"):
        run.prepare_config(path, tmp_path, {'default_scope': 'mmsegm'})
    with pytest.raises(UserError, match='mmsegm'):  # an option that is looked up in the scope
        run.prepare_config(path, tmp_path, {'default_scope': 'mmsegm', 'model.backbone.arch': 'a'})
    assert task_of(Config(dict())).scope == 'mmdet'


SCOPES = ('mmdet', 'mmseg', 'mmpretrain')


def asks_for_the_scope(node, parents):
    """Whether a node of a syntax tree reads ``default_scope`` or tells the libraries apart."""
    if isinstance(node, ast.Attribute):
        return node.attr == 'default_scope'
    if isinstance(node, ast.Constant) and node.value == 'default_scope':
        call = parents.get(node)  # giving one to a config that has none is no question
        return getattr(getattr(call, 'func', None), 'attr', None) != 'setdefault'
    if isinstance(node, ast.Compare):
        inside = [part for side in (node.left, *node.comparators) for part in ast.walk(side)]
        return any(isinstance(p, ast.Constant) and p.value in SCOPES for p in inside)
    keys = node.keys if isinstance(node, ast.Dict) else ()
    if isinstance(node, ast.Call):
        return any(keyword.arg in SCOPES for keyword in node.keywords)
    return any(isinstance(key, ast.Constant) and key.value in SCOPES for key in keys)


def find_questions(text):
    tree = ast.parse(text)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    return [n.lineno for n in ast.walk(tree) if asks_for_the_scope(n, parents)]


@pytest.mark.parametrize(
    'text',
    [
        "if cfg.get('default_scope') != 'mmseg': pass",
        'x = {}[cfg.default_scope]',
        "if scope in ('mmseg', 'mmdet'): pass",
        "names = {'mmseg': 1}",
        'names = dict(mmpretrain=1)',
    ],
)
def test_a_question_for_the_scope_is_found(text):
    assert find_questions(text)


def test_nothing_but_the_tasks_asks_for_the_scope(repo):
    files = [p for top in ('mmvisx', 'tools', 'demo') for p in (repo / top).rglob('*.py')]
    assert repo / 'mmvisx' / 'utils' / 'tasks.py' in files
    found = [
        f'{path.relative_to(repo)}:{line}'
        for path in files
        if path.name not in ('tasks.py', 'env.py')  # which names packages
        for line in find_questions(path.read_text(encoding='utf-8'))
    ]
    assert not found
