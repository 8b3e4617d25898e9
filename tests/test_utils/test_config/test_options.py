"""Reading configs and changing them from the command line."""

import argparse

import pytest
from mmengine.config import Config

from mmvisx.cli.options import add_config_options
from mmvisx.utils import UserError
from mmvisx.utils.config import apply_options, load_config
from mmvisx.utils.config.explain import explain_config_errors


@pytest.fixture
def cfg(tiny_config):
    return load_config(tiny_config)


def parse(*options):
    parser = argparse.ArgumentParser()
    add_config_options(parser)
    return parser.parse_args(['--cfg-options', *options]).cfg_options


@pytest.mark.parametrize(
    ('key', 'value'),
    [
        ('optim_wrapper.optimizer.lr', 0.5),  # in the config
        ('optim_wrapper.optimizer.weight_decay', 0.1),  # argument of SGD
        ('optim_wrapper.clip_grad.max_norm', 35),  # below an argument
        ('optim_wrapper.paramwise_cfg.norm_decay_mult', 0),
        ('model.backbone.with_cp', True),  # argument of ResNet
        ('model.backbone.init_cfg.checkpoint', 'x.pth'),  # argument of a base class
        ('model.rpn_head.num_convs', 2),  # through **kwargs, or its own
        ('train_dataloader.persistent_workers', True),  # of torch's DataLoader
        ('train_dataloader.dataset.filter_cfg.min_size', 8),  # **kwargs of CocoDataset
        ('train_dataloader.dataset.pipeline.2.keep_ratio', True),  # item of a list
        ('model.rpn_head.anchor_generator.strides.0', 8),  # a value in a list
        ('randomness.deterministic', True),
        ('load_from', 'x.pth'),
        ('train_cfg.val_interval', 2),
        ('default_hooks.checkpoint.max_keep_ckpts', 2),
        ('auto_scale_lr.base_batch_size', 16),
    ],
)
def test_known_keys_are_set(cfg, key, value):
    apply_options(cfg, {key: value})
    node = cfg
    for part in key.split('.'):
        node = node[int(part)] if part.isdigit() else node[part]
    assert node == value


@pytest.mark.parametrize(
    ('key', 'hint'),
    [
        ('optim_wraper.optimizer.lr', 'optim_wrapper'),
        ('optim_wrapper.optimiser.lr', 'optimizer'),
        ('optim_wrapper.optimizer.momentun', 'momentum'),
        ('optim_wrapper.optimizer.wieght_decay', 'weight_decay'),
        ('train_dataloader.batch_sizze', 'batch_size'),
        ('train_dataloader.dataset.ann_fiel', 'ann_file'),
        ('model.backbone.dephth', 'depth'),
        ('model.bakbone.depth', 'backbone'),
        ('model.test_cfg.rcnn.score_trh', 'score_thr'),
        ('randomness.sed', 'seed'),
        ('train_cfg.max_epoch', 'max_epochs'),
        ('default_hooks.chekpoint.interval', 'checkpoint'),
    ],
)
def test_misspelt_keys_are_refused_with_the_right_one(cfg, key, hint):
    before = cfg.pretty_text
    with pytest.raises(UserError, match=f'{key}.*{hint}'):
        apply_options(cfg, {key: 1})
    assert cfg.pretty_text == before


def test_plus_forces_a_key(cfg):
    apply_options(cfg, {'+model.test_cfg.mine': 3, '+mine': 4})
    assert (cfg.model.test_cfg.mine, cfg.mine) == (3, 4)


def test_index_outside_a_list(cfg):
    with pytest.raises(UserError, match='list of 4 items'):
        apply_options(cfg, {'train_dataloader.dataset.pipeline.9.type': 'Resize'})


def test_key_below_a_value(cfg):
    with pytest.raises(UserError, match='has no'):
        apply_options(cfg, {'model.backbone.depth.x': 1})


def test_root_moves_everything_made_from_it(cfg):
    apply_options(cfg, {'data_root': '/elsewhere'})
    assert cfg.train_dataloader.dataset.data_root == '/elsewhere/'
    assert cfg.val_dataloader.dataset.data_root == '/elsewhere/'
    assert cfg.test_evaluator.ann_file == '/elsewhere/instances.json'


def test_used_up_variable_is_refused_with_its_places(cfg):
    with pytest.raises(UserError, match=r'train_dataloader\.dataset\.metainfo\.classes'):
        apply_options(cfg, {'classes': ('a', 'b')})


def test_values():
    options = parse('a=1', 'b=0.5', 'c=True', 'd=[1,2]', 'e=x', 'f=my folder/x', 'g=k=v')
    assert options == {
        'a': 1, 'b': 0.5, 'c': True, 'd': [1, 2], 'e': 'x', 'f': 'my folder/x', 'g': 'k=v'
    }  # fmt: skip


@pytest.mark.parametrize('option', ['batch_size', 'a=[1,2'])
def test_malformed_option(option, capsys):
    with pytest.raises(SystemExit):
        parse(option)
    assert option in capsys.readouterr().err


@pytest.mark.parametrize(
    'option',
    [
        "+param_scheduler=[dict(type='LinearLR', begin=0, end=1)]",
        '+a=[dict(type=x)]',
        '+a=dict(b=1)',
        "+a={'b': 1}",
        '+a=[f(1,2),3]',
        '+a=(1))((2',
    ],
)
def test_values_that_are_no_lists_of_numbers_are_refused_in_a_line(option, capsys):
    with pytest.raises(SystemExit):
        parse(option)
    error = capsys.readouterr().err
    assert option in error
    assert ('change its entries by their keys' in error) == ('dict' in option or '{' in option)
    assert 'Traceback' not in error


def test_missing_config(tiny_config):
    with pytest.raises(UserError, match=r'does not exist.*tiny_mask_rcnn\.py'):
        load_config(tiny_config.with_name('tiny_mask_rcn.py'))


def test_syntax_error_names_file_and_line(tmp_path):
    path = tmp_path / 'c.py'
    path.write_text('a = 1\nb = = 2\n')
    with pytest.raises(UserError, match=r'c\.py, line 2'):
        load_config(path)


def test_error_while_evaluating_names_the_line(tmp_path):
    path = tmp_path / 'c.py'
    path.write_text('a = 1\n\nb = nothing\n')
    with pytest.raises(UserError, match=r"line 3.*name 'nothing' is not defined"):
        load_config(path)


def test_missing_base(tmp_path):
    path = tmp_path / 'c.py'
    path.write_text("_base_ = ['no_base.py']\n")
    with pytest.raises(UserError, match=r'c\.py.*no_base\.py'):
        load_config(path)


def test_unknown_type_is_explained(cfg):
    from mmdet.registry import MODELS

    cfg.model.backbone.type = 'ResNeet'
    with (
        pytest.raises(UserError, match=r"model\.backbone\.type='ResNeet'.*ResNet"),
        explain_config_errors(cfg),
    ):
        MODELS.build(cfg.model)


def test_unknown_type_of_this_package_is_explained(cfg):
    from mmdet.registry import METRICS

    cfg.val_evaluator.type = 'mmvisx.CocoMetrik'
    with (
        pytest.raises(UserError, match=r'val_evaluator\.type.*mmvisx\.CocoMetric'),
        explain_config_errors(cfg),
    ):
        METRICS.build(cfg.val_evaluator)


def test_unknown_argument_is_explained(cfg):
    from mmdet.registry import MODELS

    cfg.model.backbone.dephth = 18
    with (
        pytest.raises(UserError, match=r'model\.backbone\.dephth.*depth'),
        explain_config_errors(cfg),
    ):
        MODELS.build(cfg.model)


def test_other_errors_pass():
    with pytest.raises(KeyError, match='mine'), explain_config_errors(Config({})):
        raise KeyError('mine')


def test_recipe_by_name_is_the_file(repo):
    name = 'detectors/htc_rfp_sac_nano_shapes'
    named, read = load_config(name), load_config(repo / f'configs/{name}.py')
    assert named.to_dict() == read.to_dict()
    assert named.filename == read.filename


def test_users_config_inherits_a_packaged_recipe(repo, tmp_path):
    mine = tmp_path / 'mine.py'
    mine.write_text(
        "_base_ = 'mmvisx::detectors/htc_rfp_sac_nano_shapes.py'\n"
        "_base_.detectors['dcn'] = None\n"
        'model = dict(backbone=dict(_base_.detectors), neck=dict(rfp_steps=3))\n'
    )
    cfg = load_config(mine)
    recipe = load_config(repo / 'configs/detectors/htc_rfp_sac_nano_shapes.py')
    recipe.model.neck.rfp_steps = 3
    recipe.model.backbone.dcn = recipe.detectors.dcn = None
    assert cfg.model.backbone.to_dict() == recipe.model.backbone.to_dict()
    assert cfg.to_dict() == recipe.to_dict()
    assert '_scope_' not in cfg.pretty_text


def test_base_of_a_library_keeps_its_scope(tmp_path):
    mine = tmp_path / 'mine.py'
    mine.write_text("_base_ = 'mmdet::_base_/models/retinanet_r50_fpn.py'\n")
    assert load_config(mine).model._scope_ == 'mmdet'


def test_packaged_base_that_is_not_there(tmp_path):
    mine = tmp_path / 'mine.py'
    mine.write_text("_base_ = 'mmvisx::detectors/htc_rfp_sack.py'\n")
    with pytest.raises(UserError, match=r'mine\.py.*htc_rfp_sack.*_base_'):
        load_config(mine)
