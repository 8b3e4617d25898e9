"""Checkpoints of strangers: their tensors come out, and nothing that they bring along is run."""

import argparse
import collections
import pickle
import sys
import tempfile
import zipfile
from contextlib import suppress

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader, _load_checkpoint_with_prefix

from mmvisx.utils import UserError, checkpoint
from mmvisx.utils.checkpoint import read_checkpoint
from mmvisx.utils.inert import StandIn, class_names, load_inert
from mmvisx.utils.plain import plain, with_histories
from mmvisx.utils.trust import TRUST_CHECKPOINT
from tests.helpers.hostile import CHECKPOINTS, weights

# Not of PyTorch's format, or in a notation that it does not read without running it.
REFUSED = {
    *('reduce', 'made', 'filled', 'attribute_chain', 'newer_protocol', 'in_a_history'),
    *('rebuilt_tensor', 'legacy_first', 'plain_pickle', 'legacy_tar', 'nested_zip'),
}


@pytest.fixture(params=CHECKPOINTS)
def hostile(request, tmp_path, monkeypatch):
    """Name, checkpoint and the canary that it must not create."""
    monkeypatch.setattr(sys, 'path', list(sys.path))
    path, canary = tmp_path / 'evil.pth', tmp_path / 'canary'
    CHECKPOINTS[request.param](path, canary)
    assert not canary.exists()
    return request.param, path, canary


def run_everything(path):
    """Read a checkpoint as it should not be read."""
    if zipfile.is_zipfile(path) and len(zipfile.ZipFile(path).namelist()) == 1:
        with tempfile.TemporaryDirectory() as folder:
            torch.load(zipfile.ZipFile(path).extract('inner.pth', folder), weights_only=False)
    torch.load(path, weights_only=False)


def test_the_hostile_checkpoints_are_hostile(hostile):
    _, path, canary = hostile
    try:
        run_everything(path)
    except Exception:
        assert canary.exists()  # some bring the reader down when they have run
    assert canary.exists()


def test_nothing_of_a_checkpoint_is_run(hostile):
    name, path, canary = hostile
    modules = set(sys.modules)
    if name in REFUSED:
        with pytest.raises(UserError, match=r'evil\.pth'):
            read_checkpoint(path)
    else:
        found = read_checkpoint(path)['state_dict']
        for key, value in weights().items():
            assert torch.equal(found[key], value)
    assert not canary.exists()
    assert not [name for name in set(sys.modules) - modules if 'hostile' in name]


@pytest.mark.parametrize('read', [
    CheckpointLoader.load_checkpoint,
    lambda path: _load_checkpoint_with_prefix('0', path),
])  # fmt: skip
def test_nothing_is_run_through_mmengine(hostile, read):
    _, path, canary = hostile
    with suppress(UserError, RuntimeError, AttributeError, pickle.UnpicklingError):
        read(str(path))
    assert not canary.exists()


@pytest.fixture
def published(tmp_path):
    """A checkpoint as MMDetection publishes them, and its parts."""

    def save(**kwargs):
        history = HistoryBuffer()
        for value in (0.5, 0.25):
            history.update(value, 2)
        state = collections.OrderedDict(weights())
        state['half'] = torch.arange(6).half().reshape(2, 3).T  # not contiguous
        state['counter'] = torch.tensor(7)
        content = dict(
            meta=dict(
                cfg='model = dict()',
                seed=np.int64(11),
                dataset_meta=ConfigDict(classes=('a', 'b'), palette=[(1, 2, 3)]),
                mean=np.array([[1.5, 2.0, 3.0]], dtype=np.float32),
                flags=np.asfortranarray(np.array([[True, False], [True, True]])),
                args=argparse.Namespace(lr=0.1),
            ),
            state_dict=state,
            message_hub=dict(
                log_scalars=collections.OrderedDict({'train/loss': history}),
                runtime_info=collections.OrderedDict(iter=2, best=np.float64(0.1)),
                resumed_keys=collections.OrderedDict({'train/loss': True}),
            ),
            optimizer=dict(state=collections.defaultdict(dict, {0: dict(step=torch.tensor(2.0))})),
        )
        path = tmp_path / 'faster_rcnn_r50_fpn_1x_coco.pth'
        torch.save(content, path, **kwargs)
        return path, content

    return save


@pytest.mark.parametrize('options', [{}, dict(_use_new_zipfile_serialization=False)])
def test_published_checkpoints_of_mmdetection(published, options):
    path, content = published(**options)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)
    found = read_checkpoint(path)
    assert list(found['state_dict']) == list(content['state_dict'])
    for key, value in content['state_dict'].items():
        other = found['state_dict'][key]
        assert torch.equal(other, value)
        assert (other.dtype, other.stride()) == (value.dtype, value.stride())
    meta = found['meta']
    assert (meta['seed'], type(meta['seed'])) == (11, int)
    assert meta['dataset_meta'] == dict(classes=('a', 'b'), palette=[(1, 2, 3)])
    for name in ('mean', 'flags'):
        assert meta[name].dtype == content['meta'][name].dtype
        assert np.array_equal(meta[name], content['meta'][name])
    assert isinstance(meta['args'], StandIn)
    assert found['optimizer']['state'] == {0: dict(step=torch.tensor(2.0))}
    hub = with_histories(found['message_hub'])
    assert hub['runtime_info'] == dict(iter=2, best=0.1)
    values, counts = hub['log_scalars']['train/loss'].data
    assert values.tolist() == [0.5, 0.25]
    assert counts.tolist() == [2.0, 2.0]
    assert hub['log_scalars']['train/loss'].mean() == 0.1875


@pytest.fixture
def said(monkeypatch):
    """What is logged while a checkpoint is read."""
    lines = []
    monkeypatch.setattr(checkpoint, 'print_log', lambda line, *_: lines.append(line))
    return lines


def test_what_is_left_out_is_named(published, said):
    path, _ = published()
    read_checkpoint(path)
    assert len(said) == 1
    assert 'argparse.Namespace' in said[0]
    assert 'HistoryBuffer' not in said[0]  # MMEngine's, whose values are there
    _, names = load_inert(path)
    assert 'argparse.Namespace' in names
    assert 'mmengine.logging.history_buffer.HistoryBuffer' in names
    assert 'argparse.Namespace' in class_names(path)


def test_a_file_that_refers_to_itself(tmp_path):
    """Twice as much at each of 60 levels, and a list in itself: each is looked at once."""
    value = (np.float32(1.0), np.float32(2.0))
    for _ in range(60):
        value = (value, value)
    loop = [np.float32(3.0)]
    loop.append(loop)
    torch.save(dict(value=value, loop=loop, weights=weights()), tmp_path / 'x.pth')
    found, _ = load_inert(tmp_path / 'x.pth')
    assert found['loop'][1] is found['loop']
    assert found['loop'][0] == 3.0
    inner = found['value']
    while isinstance(inner[0], tuple):
        inner = inner[0]
    assert inner == (1.0, 2.0)


@pytest.mark.parametrize('name', ['helper_function', 'newer_protocol', 'plain_pickle'])
def test_a_trusted_checkpoint_is_run_and_its_classes_are_named(tmp_path, monkeypatch, said, name):
    path, canary = tmp_path / 'mine.pth', tmp_path / 'canary'
    CHECKPOINTS[name](path, canary)
    monkeypatch.setenv(TRUST_CHECKPOINT, '1')
    if name == 'plain_pickle':
        with pytest.raises(UserError, match='is not a PyTorch checkpoint'):
            read_checkpoint(path)  # of numbers
    else:
        read_checkpoint(path)
    assert canary.exists()
    (line,) = said
    assert 'mine.pth is trusted' in line
    assert 'tests.helpers.hostile.touch' in line


def test_stand_ins_are_compared_and_saved_as_text(tmp_path):
    """MMEngine pickles what data sets say of themselves, and a run's next checkpoint holds it."""
    content = {'state_dict': weights(), 'meta': {'dataset_meta': argparse.Namespace(a=1)}}
    torch.save(content, tmp_path / 'a.pth')
    meta = read_checkpoint(tmp_path / 'a.pth')['meta']
    text = '<stand-in of argparse.Namespace>'
    assert pickle.loads(pickle.dumps(meta)) == {'dataset_meta': text}
    odd = {}
    assert plain(meta, 'meta', odd) == {'dataset_meta': text}
    assert not odd
