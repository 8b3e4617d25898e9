"""No way in runs what a checkpoint brings along: training, testing, demos, export, analysis."""

import ast
import os
import pickle
import subprocess
import sys
from contextlib import suppress

import cv2
import numpy as np
import pytest
import torch
from mmdet.apis import init_detector
from mmdet.datasets import BaseDetDataset
from mmengine.model import BaseModule
from torch import nn
from yaml import unsafe_load

from mmvisx.apis import Inferencer
from mmvisx.models.classifiers.bag_of_tricks_distillation import FrozenTeacher
from mmvisx.utils import UserError, checkpoint
from mmvisx.utils.checkpoint import read_checkpoint
from mmvisx.utils.inert import load_inert
from mmvisx.utils.trust import TRUST_CHECKPOINT
from tests.helpers.hostile import CHECKPOINTS, Call, code, config_texts, touch, weights

# One of each kind: a call while a value is made, while an object is restored, an import, today's
# format, the old ones, and a chain of attributes that MMEngine's reader allows.
KINDS = ('evaluated', 'built', 'imported', 'legacy', 'legacy_tar', 'attribute_chain')
SUNET = 'stacked_unet/sunet_nano_camvid'
NANO = 'detectors/htc_rfp_sac_nano_shapes'


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """Make a hostile checkpoint; its canary is ``tmp_path / 'canary'``."""
    monkeypatch.setattr(sys, 'path', list(sys.path))

    def make(kind):
        CHECKPOINTS[kind](tmp_path / 'evil.pth', tmp_path / 'canary')
        return tmp_path / 'evil.pth'

    return make


@pytest.fixture
def commands(tiny_config, repo, tiny_coco, tmp_path, monkeypatch):
    """Each tool's arguments, with EVIL for the checkpoint."""
    # Two analyses look at their images first, which are not here.
    monkeypatch.setattr('mmvisx.apis.build.build_test_loader', lambda *_: [])
    image, classifier = tmp_path / 'a.png', repo / 'tests/data/tiny_classifier.py'
    cv2.imwrite(str(image), np.zeros((32, 32, 3), np.uint8))
    work = ('--work-dir', tmp_path / 'work')
    data = ('--cfg-options', f'data_root={tiny_coco}')
    out = tmp_path / 'out'
    init = [f'model.backbone.init_cfg.{k}' for k in ('type=Pretrained', 'checkpoint=EVIL')]
    return {
        'train: load_from': ('tools/train.py', tiny_config, *work, *data, 'load_from=EVIL'),
        'train: resume': ('tools/train.py', tiny_config, *work, '--resume', 'EVIL', *data),
        'train: init_cfg': ('tools/train.py', tiny_config, *work, *data, *init),
        'test': ('tools/test.py', tiny_config, 'EVIL', *work, *data),
        'test: ensemble': ('tools/test.py', classifier, 'EVIL', 'EVIL', *work),
        'demo': ('demo/image_demo.py', image, tiny_config, 'EVIL', '--out-dir', out),
        'demo: segmentation': ('demo/seg_demo.py', image, SUNET, 'EVIL', '--out-dir', out),
        'export': ('tools/deployment/export_onnx.py', tiny_config, 'EVIL', '--out', f'{out}.onnx'),
        'export: rejuvenated': (
            'tools/model_converters/export_rejuvenated.py', classifier, 'EVIL',
            '--out', f'{out}.pth', '--shape', 3, 16, 16,
        ),
        'converter: stacked U-Net': (
            'tools/model_converters/stacked_unet.py', 'EVIL', '--out', f'{out}.pth',
        ),
        'converter: warm start': (
            'tools/model_converters/warm_start_detectors.py', 'EVIL', NANO, f'{out}.pth',
        ),
        'analysis: filters': ('tools/analysis/show_filters.py', tiny_config, 'EVIL'),
        'analysis: switches': ('tools/analysis/show_switches.py', NANO, 'EVIL', image),
        'analysis: elephant': (
            'tools/analysis/elephant.py', 'run', tiny_config, 'EVIL', image, '--patch', image,
            '--out-dir', out,
        ),
        'analysis: flops': ('tools/analysis/get_flops.py', tiny_config, '--checkpoint', 'EVIL'),
        'analysis: label smoothing': (
            'tools/analysis/label_smooth_gap.py', classifier, 'EVIL', '--out', f'{out}.png',
        ),
        'analysis: collapsed': (
            'tools/analysis/collapsed_channels.py', 'gunn/gunn15_nano_cifar10', 'EVIL',
        ),
    }  # fmt: skip


WAYS = (
    'train: load_from', 'train: resume', 'train: init_cfg', 'test', 'test: ensemble', 'demo',
    'demo: segmentation', 'export', 'export: rejuvenated', 'converter: stacked U-Net',
    'converter: warm start', 'analysis: filters', 'analysis: switches', 'analysis: elephant',
    'analysis: flops', 'analysis: label smoothing', 'analysis: collapsed',
)  # fmt: skip


@pytest.fixture
def read(monkeypatch):
    """The paths of the checkpoints that are read."""
    paths = []

    def load(path, *args):
        paths.append(str(path))
        return load_inert(path, *args)

    monkeypatch.setattr(checkpoint, 'load_inert', load)
    return paths


@pytest.mark.parametrize('way', WAYS)
@pytest.mark.parametrize(
    'kinds', [KINDS, pytest.param(set(CHECKPOINTS) - set(KINDS), marks=pytest.mark.slow)]
)
def test_commands(way, kinds, hostile, commands, tool, tmp_path, read):
    path, *arguments = commands[way]
    for kind in kinds:
        evil = str(hostile(kind))
        read.clear()
        with pytest.raises(UserError) as raised:
            tool(path, *(str(argument).replace('EVIL', evil) for argument in arguments))
        assert read[:1] == [evil], raised.value
        assert not (tmp_path / 'canary').exists(), kind


@pytest.mark.parametrize('kind', config_texts(''))
def test_configs_in_checkpoints(kind, tmp_path):
    content = dict(state_dict=weights(), meta=dict(cfg=config_texts(tmp_path / 'canary')[kind]))
    torch.save(content, tmp_path / 'evil.pth')
    with pytest.raises(UserError, match=r'config in checkpoint .*evil\.pth would run something'):
        Inferencer(weights=tmp_path / 'evil.pth')
    assert not (tmp_path / 'canary').exists()


class Part(BaseModule):
    """A layer that a checkpoint of the helper's would fit."""

    def __init__(self, checkpoint):
        super().__init__(init_cfg=dict(type='Pretrained', checkpoint=str(checkpoint)))
        self.add_module('0', nn.Linear(3, 2))


CALLS = {
    'weights alone': lambda path, config: Inferencer(weights=path),
    'inferencer': lambda path, config: Inferencer(config, path),
    'teacher': lambda path, config: (
        FrozenTeacher(
            dict(type='ImageClassifier', backbone=dict(type='ResNet', depth=18)), str(path), 3
        ).module
    ),
    'init_cfg': lambda path, config: Part(path).init_weights(),
    "mmdet's own": lambda path, config: init_detector(str(config), str(path), device='cpu'),
}


@pytest.mark.parametrize('call', CALLS)
def test_calls(call, hostile, tiny_config, tmp_path, read):
    for kind in KINDS:
        read.clear()
        with suppress(Exception):  # most do not fit, or cannot be read
            CALLS[call](hostile(kind), tiny_config)
        assert read[0] == str(tmp_path / 'evil.pth')
        assert not (tmp_path / 'canary').exists(), kind


def test_weights_of_a_stranger_arrive(hostile):
    part = Part(hostile('built'))
    part.init_weights()
    assert torch.equal(dict(part.named_parameters())['0.weight'], torch.ones(2, 3))


def test_a_config_that_resuming_would_evaluate(tool, trained, tiny_config, tiny_coco, tmp_path):
    """MMEngine runs ``meta.config`` of a checkpoint that it resumes from."""
    content = read_checkpoint(trained / 'epoch_1.pth')
    content['meta']['config'] = code(tmp_path / 'canary')
    torch.save(content, tmp_path / 'evil.pth')
    tool(
        'tools/train.py', tiny_config, '--work-dir', tmp_path / 'work', '--resume',
        tmp_path / 'evil.pth', '--cfg-options', f'data_root={tiny_coco}', 'train_cfg.max_epochs=2',
    )  # fmt: skip
    assert (tmp_path / 'work' / 'epoch_2.pth').is_file()
    assert not (tmp_path / 'canary').exists()


def test_an_option_trusts_a_checkpoint(tool, hostile, tiny_config, tmp_path, monkeypatch):
    monkeypatch.setenv(TRUST_CHECKPOINT, '0')  # so that it is as before afterwards
    arguments = ('tools/analysis/show_filters.py', tiny_config, hostile('evaluated'))
    with pytest.raises(UserError, match='another model'):
        tool(*arguments)
    assert not (tmp_path / 'canary').exists()
    with pytest.raises(UserError, match='another model'):
        tool(*arguments, '--trust-checkpoint')
    assert (tmp_path / 'canary').exists()


@pytest.mark.parametrize('trusted', [False, True])
def test_annotations_are_no_pickles(trusted, tmp_path, monkeypatch):
    monkeypatch.setenv(TRUST_CHECKPOINT, str(int(trusted)))
    (tmp_path / 'x.pkl').write_bytes(pickle.dumps(Call(touch, str(tmp_path / 'canary'))))
    with pytest.raises(TypeError if trusted else UserError, match=None if trusted else 'as .json'):
        BaseDetDataset(ann_file=str(tmp_path / 'x.pkl'), pipeline=[])
    assert (tmp_path / 'canary').exists() == trusted


def test_annotations_in_yaml_make_no_objects(tmp_path):
    call = f'!!python/object/apply:tests.helpers.hostile.touch ["{tmp_path / "canary"}"]'
    (tmp_path / 'x.yaml').write_text(call)
    with pytest.raises(UserError, match=r'no list of plain values.*python/object'):
        BaseDetDataset(ann_file=str(tmp_path / 'x.yaml'), pipeline=[])
    assert not (tmp_path / 'canary').exists()
    unsafe_load((tmp_path / 'x.yaml').read_text())
    assert (tmp_path / 'canary').exists()


@pytest.mark.slow
@pytest.mark.parametrize('way', ['train: load_from', 'train: resume', 'test', 'demo', 'export',
                                 'converter: stacked U-Net', 'analysis: filters'])  # fmt: skip
def test_programs(way, hostile, commands, repo, tmp_path):
    """The same, as a user starts them."""
    evil = str(hostile('evaluated'))
    command = [str(argument).replace('EVIL', evil) for argument in commands[way]]
    done = subprocess.run(
        [sys.executable, *command], cwd=repo, text=True, capture_output=True, timeout=300,
        env={**os.environ, 'PYTHONPATH': str(repo), 'OMP_NUM_THREADS': '1'},
    )  # fmt: skip
    assert done.returncode == 1
    assert 'evil.pth' in done.stderr or '0.weight' in done.stderr  # it was read
    assert 'Traceback' not in done.stderr
    assert not (tmp_path / 'canary').exists()


def test_the_package_has_no_other_reader(repo):
    """Whatever reads pickles or evaluates texts stands in the two modules that are tested."""
    allowed = {'mmvisx/utils/inert.py', 'mmvisx/utils/checkpoint.py',
               'mmvisx/utils/config/in_checkpoint.py'}  # fmt: skip
    readers = {'torch.load', 'pickle.load', 'pickle.loads', 'eval', 'exec', 'Config.fromstring',
               'torch.hub.load', 'torch.jit.load', 'joblib.load', 'yaml.load'}  # fmt: skip
    found = set()
    for path in [*repo.glob('mmvisx/**/*.py'), *repo.glob('tools/**/*.py')]:
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in readers:
                found.add(str(path.relative_to(repo)))
    assert found <= allowed
