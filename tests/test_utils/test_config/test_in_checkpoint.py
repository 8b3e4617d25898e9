"""The config in a checkpoint is read, and neither it nor what it names is run."""

import sys

import pytest
from mmengine.config import Config

from mmvisx.utils import UserError
from mmvisx.utils.config.in_checkpoint import config_in, read_literals
from mmvisx.utils.recipes import find_config, recipe_names
from mmvisx.utils.trust import TRUST_CHECKPOINT
from tests.helpers.hostile import config_texts


def held(text):
    """A checkpoint with a config."""
    return dict(meta=dict(cfg=text), message_hub=dict(runtime_info={}))


def test_what_mmengine_writes_comes_back():
    cfg = Config(
        dict(
            model=dict(type='MaskRCNN', backbone=dict(depth=18, init_cfg=None, stages=(0, -1))),
            metainfo=dict(classes=('it\'s', 'b"\n', 'ä'), palette=[(1, 2, 3)]),
            odd={'a b': dict(x=1), 3: [dict(y=2.5e-7), [1, (2,)]], 'c-d': {}},
            pipeline=[dict(type='Resize', scale=(1333, 800)), {'with space': True}],
            empty=dict(), nothing=[], work_dir='',
        )
    )  # fmt: skip
    assert config_in(held(cfg.pretty_text), 'x.pth').to_dict() == cfg.to_dict()


def test_recipes_come_back(repo):
    """One of each method, from the text that their trainings put into checkpoints."""
    names = {}
    for name in recipe_names():
        names.setdefault(name.split('/')[0], name)
    assert len(names) >= 6
    for name in names.values():
        cfg = Config.fromfile(find_config(name))
        assert read_literals(cfg.pretty_text) == cfg.to_dict(), name


@pytest.mark.parametrize('kind', config_texts(''))
def test_nothing_of_a_config_is_run(kind, tmp_path):
    canary = tmp_path / 'canary'
    text = config_texts(canary)[kind]
    modules = {name for name in sys.modules if 'hostile' not in name}
    with pytest.raises(UserError, match=r'config in checkpoint x\.pth would run something'):
        config_in(held(text), 'x.pth')
    assert not canary.exists()
    assert modules <= set(sys.modules)


def test_the_line_is_named():
    with pytest.raises(UserError, match=r'line 3 does not assign.* to b; give the config'):
        config_in(held('a = 1\n\nb = open("x")'), 'x.pth')


def test_environment_variables_are_not_put_in(monkeypatch):
    """MMEngine replaces ``{{$NAME:}}`` in the texts that it reads."""
    monkeypatch.setenv('SECRET', 'x')
    assert config_in(held('a = "{{$SECRET:}}"'), 'x.pth').a == '{{$SECRET:}}'


@pytest.mark.parametrize(
    'kind', ['ResNet', 'mmdet.ResNet', 'mmvisx.LoadImageFromFile', 'mmdet.models.backbones.ResNet']
)
def test_types_that_are_registered(kind):
    assert config_in(held(f'a = dict(type={kind!r})'), 'x.pth').a.type == kind


@pytest.mark.parametrize('kind', ['mmdet.nothing', 'os.system', 'antigravity', 'mmengine.load', 3])
def test_types_that_are_not(kind):
    with pytest.raises(UserError, match=f'type={kind!r} is no registered class'):
        config_in(held(f'a = [dict(b=dict(type={kind!r}))]'), 'x.pth')


def test_no_config():
    for checkpoint in (held(None), held(['a = 1']), dict(meta='x'), dict(state_dict={})):
        with pytest.raises(UserError, match='holds no config'):
            config_in(checkpoint, 'x.pth')


def test_a_trusted_config_is_run(tmp_path, monkeypatch):
    monkeypatch.setenv(TRUST_CHECKPOINT, '1')
    text = config_texts(tmp_path / 'canary')['import']
    assert config_in(held(text), 'x.pth').model.type == 'X'
    assert (tmp_path / 'canary').exists()
