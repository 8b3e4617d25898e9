"""The wheel, built from the sdist without a network, is complete and runs outside the checkout."""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tarfile
import time
import zipfile
from email import message_from_bytes

import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.slow

SDIST = 'from setuptools import build_meta; build_meta.build_sdist({!r})'
WHEEL = ['-m', 'pip', 'wheel', '-q', '--no-build-isolation', '--no-deps', '--no-index']
WHERE = 'import mmvisx, sys; print(mmvisx.__file__, sys.path)'
# Reads each recipe as the base of a user's config, and builds it: the small ones with weights, the
# others without (but mmpretrain's ResNet, which reads numbers from tensors).
READ = """
import json, sys
import torch
from mmengine.registry import MODELS, init_default_scope
from mmvisx.apis import build_model
from mmvisx.utils.config import load_config
from mmvisx.utils.config.model import model_config
from mmvisx.utils.tasks import task_of
read, built = [], []
for name in sys.argv[1:]:
    with open('mine.py', 'w') as file:
        file.write(f"_base_ = 'mmvisx::{name}.py'")
    cfg = load_config('mine.py')
    if 'model' in cfg:
        read.append(name)
    if 'nano' in name:
        model = build_model(cfg)
    else:
        init_default_scope(task_of(cfg).scope)
        plain = cfg.model.get('backbone', {}).get('type') == 'ResNet'
        plain = plain and cfg.default_scope == 'mmpretrain'
        with torch.device('cpu' if plain else 'meta'):
            model = MODELS.build(model_config(cfg))
    if sum(p.numel() for p in model.parameters()):
        built.append(name)
print(json.dumps(read))
print(json.dumps(built))
"""
SCRIPT = '''"""Build a model, predict, read the result."""
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from typing_extensions import assert_type

from mmvisx.apis import (
    ClassificationInferencer, Inferencer, SegmentationInferencer, build_model, inferencer_for
)


def save(path: str) -> int:
    model = build_model('mine.py')
    assert_type(model, nn.Module)
    torch.save({'state_dict': model.state_dict()}, path)
    return sum(p.numel() for p in model.parameters())


def detect(path: str) -> tuple[int, int]:
    inferencer = Inferencer('mine.py', path, device='cpu')
    results = inferencer('a.png', return_vis=True, pred_score_thr=0.5)
    found = results['predictions'][0]
    assert_type(found['bboxes'], list[list[float]])
    assert_type(found['scores'], list[float])
    assert_type(found['label_names'], list[str])
    assert_type(found['img_path'], str | None)
    for mask in found.get('masks', []):
        assert_type(mask['size'], list[int])
        assert_type(mask['counts'], str)
    assert_type(results['visualization'], list[NDArray[np.uint8]])
    for prediction, picture in inferencer.stream(['a.png']):
        assert_type(prediction['labels'], list[int])
        assert_type(picture, NDArray[np.uint8] | None)
    assert inferencer_for('mine.py', path, device='cpu')('a.png')['predictions'] == [found]
    return found['height'], found['width']


def classify(inferencer: ClassificationInferencer) -> str:
    best = inferencer('a.png', top_k=1)['predictions'][0]
    assert_type(best['scores'], list[float])
    return best['label_names'][0]


def segment(inferencer: SegmentationInferencer) -> int:
    labels = inferencer('a.png')['predictions'][0]['labels']
    assert_type(labels, dict[str, NDArray[np.uint8]])
    return int(labels[''].max())


print(save('weights.pth'))
print(*detect('weights.pth'))
'''


def tracked(repo, *paths):
    command = ['git', 'ls-files', *paths]
    listed = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


@pytest.fixture(scope='module')
def wheel(repo, tmp_path_factory):
    """The wheel of the checkout's files, by way of the sdist."""
    folder = tmp_path_factory.mktemp('dist')
    for name in tracked(repo):
        target = folder / 'source' / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(repo / name, target, follow_symlinks=False)
    command = [sys.executable, '-c', SDIST.format(str(folder))]
    subprocess.run(command, cwd=folder / 'source', check=True, capture_output=True)
    (sdist,) = folder.glob('*.tar.gz')
    with tarfile.open(sdist) as file:
        file.extractall(folder / 'sdist', filter='data')
    (unpacked,) = (folder / 'sdist').iterdir()
    command = [sys.executable, *WHEEL, '-w', str(folder), str(unpacked)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (path,) = folder.glob('*.whl')
    return path


@pytest.fixture(scope='module')
def clean(wheel):
    """An environment outside the checkout: the wheel, and the libraries of this one."""
    folder = wheel.parent / 'env'
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', str(folder)], check=True)
    python = folder / 'bin/python'
    command = [sys.executable, '-m', 'pip', '-q', '--python', str(python), 'install']
    subprocess.run([*command, '--no-deps', '--no-index', str(wheel)], check=True)
    # Paths that the libraries' folder itself names, as that of the checkout, are not followed.
    (site,) = folder.glob('lib/python3*/site-packages')
    (site / 'libraries.pth').write_text(sysconfig.get_path('purelib'))
    return python


@pytest.fixture(scope='module')
def run(clean, repo):
    """``run(folder, *words)`` runs a program of the clean environment in a folder."""

    def call(folder, *words):
        env = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
        command = [str(clean.parent / words[0]), *words[1:]]
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = call(
        clean.parent, 'python', '-c', 'import mmvisx, sys; print(mmvisx.__file__, sys.path)'
    )
    assert where.startswith(str(clean.parents[1]))
    assert f"{repo}'" not in where
    return call


def test_wheel_has_the_package_its_recipes_and_nothing_else(wheel, repo):
    wanted = {name: repo / name for name in tracked(repo, 'mmvisx') if name[-7:] != 'configs'}
    for name in tracked(repo, 'configs/*.py'):
        wanted[f'mmvisx/.mim/{name}'] = repo / name
    assert len(wanted) > 600
    assert 'mmvisx/py.typed' in wanted
    with zipfile.ZipFile(wheel) as file:
        there = {name for name in file.namelist() if '.dist-info/' not in name}
        assert there == set(wanted)
        differ = [name for name in there if file.read(name) != wanted[name].read_bytes()]
    assert not differ


def test_wheel_has_its_metadata(wheel, repo):
    with zipfile.ZipFile(wheel) as file:
        info = {n.partition('.dist-info/')[2]: n for n in file.namelist() if '.dist-info/' in n}
        assert file.read(info['licenses/LICENSE']) == (repo / 'LICENSE').read_bytes()
        scripts = file.read(info['entry_points.txt']).decode()
        metadata = message_from_bytes(file.read(info['METADATA']))
    assert scripts.split() == ['[console_scripts]', 'mmvisx', '=', 'mmvisx.cli.commands:run']
    assert metadata['License-Expression'] == 'Apache-2.0'
    needed = {re.match(r'[\w-]+', line)[0] for line in metadata.get_all('Requires-Dist')}
    assert {'torch', 'onedl-mmengine', 'argcomplete'} <= needed


def test_help_is_quick(run, tmp_path):
    seconds = []
    for _ in range(10):
        start = time.perf_counter()
        run(tmp_path, 'mmvisx', '--help')
        seconds.append(time.perf_counter() - start)
    assert statistics.median(seconds) <= 0.3


def test_every_recipe_is_listed_inherited_and_built(run, tmp_path, repo):
    names = [name.removeprefix('configs/')[:-3] for name in tracked(repo, 'configs/[!_]*/*.py')]
    listed = run(tmp_path, 'mmvisx', 'list').splitlines()
    assert [line.split()[0] for line in listed] == sorted(names)
    read, built = run(tmp_path, 'python', '-c', READ, *names).splitlines()[-2:]
    assert json.loads(read) == names
    assert json.loads(built) == names


def test_trains_tests_and_predicts_on_rendered_shapes(run, tmp_path):
    run(tmp_path, 'mmvisx', 'dataset', 'make-shapes', '--train', '8', '--val', '4')
    name, work = 'detectors/htc_rfp_sac_nano_shapes', tmp_path / 'work'
    short = ['--cfg-options', 'train_cfg.max_epochs=1']
    run(tmp_path, 'mmvisx', 'train', name, '--work-dir', str(work), *short)
    checkpoint = str(work / 'epoch_1.pth')
    run(tmp_path, 'mmvisx', 'test', name, checkpoint, '--out', 'metrics.json')
    assert 'coco/bbox_mAP' in json.loads((tmp_path / 'metrics.json').read_text())
    images = 'data/shapes/coco/val'
    said = run(tmp_path, 'mmvisx', 'predict', images, name, checkpoint, '--device', 'cpu')
    assert '4 images' in said
    files = sorted((tmp_path / 'outputs/preds').glob('*.json'))
    assert len(files) == 4
    for file in files:
        assert set(json.loads(file.read_text())) >= {'bboxes', 'labels', 'masks', 'scores'}


def test_a_users_script_runs_and_its_types_are_known(run, clean, tmp_path):
    base = 'mmvisx::detectors/htc_rfp_sac_nano_without_semantic.py'
    (tmp_path / 'mine.py').write_text(f"_base_ = '{base}'\n")
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    (tmp_path / 'script.py').write_text(SCRIPT)
    assert run(tmp_path, 'python', 'script.py').split()[-2:] == ['64', '96']
    options = ['--strict', '--python-executable', str(clean), '--cache-dir', 'cache']
    command = [sys.executable, '-m', 'mypy', *options]
    done = subprocess.run(
        [*command, 'script.py'], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # Wrong types are found: those of the package are not Any.
    wrong = SCRIPT.replace('list[list[float]]', 'list[float]').replace('nn.Module', 'nn.Linear')
    (tmp_path / 'script.py').write_text(wrong)
    done = subprocess.run(
        [*command, 'script.py'], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.count('[assert-type]') == 2
