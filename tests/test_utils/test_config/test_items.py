"""Items of lists by the name of their type, on the command line and in a series."""

import re

import pytest
from mmengine.config import Config, ConfigDict

from mmvisx.apis.run import prepare_config
from mmvisx.utils import UserError
from mmvisx.utils.config import apply_options, load_config

VARIANT = 'custom_hooks.NeuralRejuvenationHook.variant'


@pytest.fixture
def cfg(tiny_config):
    return load_config(tiny_config)


@pytest.fixture
def recipe(repo):
    return repo / 'configs/neural_rejuvenation/vgg11_nr_nano_connectivity.py'


def test_hook_of_a_recipe_by_name(recipe):
    before = load_config(recipe).custom_hooks
    cfg = prepare_config(recipe, options={VARIANT: 'NR-BR'})
    changed = [new for old, new in zip(before, cfg.custom_hooks, strict=True) if old != new]
    assert [(hook.type, hook.variant) for hook in changed] == [
        ('mmvisx.NeuralRejuvenationHook', 'NR-BR')
    ]


def test_name_and_position_are_the_same(tiny_config):
    by_name, by_position = load_config(tiny_config), load_config(tiny_config)
    apply_options(by_name, {'train_dataloader.dataset.pipeline.Resize.scale': (32, 32)})
    apply_options(by_position, {'train_dataloader.dataset.pipeline.2.scale': (32, 32)})
    assert by_name.train_dataloader == by_position.train_dataloader
    assert by_name.train_dataloader.dataset.pipeline[2].scale == (32, 32)


def test_a_whole_item_and_what_is_below_it(cfg):
    steps = dict(type='MultiStepLR', milestones=[1], by_epoch=True)
    cfg.param_scheduler = [dict(type='LinearLR', start_factor=0.1), steps]
    cosine = dict(type='CosineAnnealingLR', T_max=3)
    apply_options(cfg, {'param_scheduler.MultiStepLR': ConfigDict(cosine)})
    apply_options(cfg, {'param_scheduler.CosineAnnealingLR.T_max': 5})
    assert cfg.param_scheduler == [
        dict(type='LinearLR', start_factor=0.1), dict(type='CosineAnnealingLR', T_max=5)
    ]  # fmt: skip


def test_a_list_in_an_item_of_a_list():
    inner = [dict(type='mmvisx.Inner', a=1), dict(type='Other', a=1)]
    cfg = Config(dict(custom_hooks=[dict(type='Outer', parts=inner)]))
    apply_options(cfg, {'+custom_hooks.Outer.parts.Inner.a': 2})
    assert [part.a for part in cfg.custom_hooks[0].parts] == [2, 1]


def test_unknown_name_lists_the_names(recipe):
    with pytest.raises(UserError) as error:
        prepare_config(recipe, options={'custom_hooks.NeuralRejuvenationHok.variant': 'NR'})
    for word in ('NeuralRejuvenationHok', '3 NeuralRejuvenationHook', '0 CheckFiniteLossHook'):
        assert word in str(error.value)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('key', ['custom_hooks.A.x', '+custom_hooks.A.x'])
def test_ambiguous_name_lists_the_positions(key):
    cfg = Config(dict(custom_hooks=[dict(type='A'), dict(type='B'), dict(type='mmvisx.A')]))
    with pytest.raises(UserError, match=r'2 items of the type .A.*0 A, 1 B, 2 A'):
        apply_options(cfg, {key: 1})


def test_misspelt_argument_of_a_named_item(recipe):
    with pytest.raises(UserError, match=r'custom_hooks.3.*NeuralRejuvenationHook.*variant'):
        prepare_config(recipe, options={'custom_hooks.NeuralRejuvenationHook.varient': 'NR'})


def test_items_without_a_type_have_positions_only(cfg):
    with pytest.raises(UserError, match=r'list of 5 items.*index from 0 to 4'):
        apply_options(cfg, {'model.rpn_head.anchor_generator.strides.first': 8})


def test_series_name_the_items_that_they_change(repo):
    for path in sorted((repo / 'configs/_series_').glob('*.py')):
        numbered = re.findall(r'(?:custom_hooks|param_scheduler|pipeline)\.\d+', path.read_text())
        assert not numbered, path.name
