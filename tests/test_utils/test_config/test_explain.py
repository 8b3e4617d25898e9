"""Which entry an error is blamed on, and which errors are left alone."""

import pytest
from mmengine.config import Config
from mmengine.registry import MODELS
from torch import nn

from mmvisx.utils import UserError
from mmvisx.utils.config.explain import explain_config_errors


@MODELS.register_module(name='test_explain_inner', force=True)
class Inner(nn.Module):
    """Refuses what is not positive, each argument in a way of its own."""

    def __init__(self, size=1, depth: int = 1, rate=None):
        super().__init__()
        if size < 1:
            raise ValueError(f'size must be positive, got {size}')
        self.depth = depth
        self._check()
        assert rate is None or rate > 0

    def _check(self):
        1 / self.depth

    def forward(self):
        raise KeyError('a programming error')


@MODELS.register_module(name='test_explain_outer', force=True)
class Outer(nn.Module):
    """Builds copies of its parts, changed as libraries do it."""

    def __init__(self, first=None, second=None, extra=None):
        super().__init__()
        if first is not None:
            self.first = MODELS.build({**first, 'rate': 2.0})
        if second is not None:
            self.second = MODELS.build({**second})
        if extra is not None:
            self.extra = MODELS.build(dict(type='test_explain_inner', size=extra))


INNER = dict(type='test_explain_inner')


def explain(**model):
    cfg = Config(dict(model=dict(type='test_explain_outer', **model), default_scope='mmengine'))
    with pytest.raises(UserError) as caught, explain_config_errors(cfg):
        MODELS.build(cfg.model)
    assert '\n' not in str(caught.value)
    return str(caught.value)


def test_the_message_has_name_and_value():
    assert explain(first=dict(INNER, size=3), second=dict(INNER, size=-7)) == (
        'config entry model.second.size=-7: size must be positive, got -7'
    )


def test_a_changed_copy_is_found_at_its_place():
    assert explain(first=dict(INNER, size=0), second=dict(INNER, size=0, depth=2)) == (
        'config entry model.first.size=0: size must be positive, got 0'
    )


def test_two_alike_are_both_named():
    # The copy that is built says nothing of its place, and both have the value.
    cfg = Config(dict(one=dict(INNER, size=0), two=dict(INNER, size=0), default_scope='mmengine'))
    with pytest.raises(UserError) as caught, explain_config_errors(cfg):
        MODELS.build(dict(cfg.two))
    assert str(caught.value) == (
        'config entry one.size=0 or two.size=0: size must be positive, got 0'
    )


def test_the_line_that_read_the_entry():
    # "division by zero" says nothing.
    assert explain(first=dict(INNER, size=2, depth=0)) == (
        'config entry model.first.depth=0: ZeroDivisionError: division by zero'
    )


def test_an_assertion_without_a_message():
    # (pytest gives it one.)
    text = explain(second=dict(INNER, size=2, rate=-1.5))
    assert text.startswith('config entry model.second.rate=-1.5: assert ')


def test_nothing_says_which_entry():
    text = explain(second=dict(INNER, size='large'))
    assert "model.second.size='large'" in text
    assert 'TypeError' in text


def test_what_is_built_of_an_argument_is_the_arguments_fault():
    assert explain(extra=-7) == 'config entry model.extra=-7: size must be positive, got -7'


def test_argument_that_does_not_exist():
    assert explain(first=dict(INNER, sise=3)) == (
        "config entry model.first.sise=3: test_explain_inner takes no argument 'sise' "
        '(did you mean size?)'
    )


def test_programming_errors_keep_their_trace():
    cfg = Config(dict(model=dict(INNER), default_scope='mmengine'))
    model = MODELS.build(cfg.model)
    with pytest.raises(KeyError, match='a programming error'), explain_config_errors(cfg):
        model()
    with pytest.raises(ValueError, match='positive'), explain_config_errors(cfg):
        Inner(size=0)  # built by hand, not from the config


def test_a_word_for_a_number_is_named_whenever_it_fails():
    cfg = Config(dict(model=dict(INNER, depth='two'), default_scope='mmengine'))
    with (
        pytest.raises(UserError, match=r"^config entry model\.depth='two': .*takes a number; Type"),
        explain_config_errors(cfg),
    ):
        raise TypeError("'>' not supported")
