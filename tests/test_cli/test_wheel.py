"""The wheel, built from the sdist without a network, holds all that the command needs."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes

import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.slow

SDIST = 'from setuptools import build_meta; build_meta.build_sdist({!r})'
WHEEL = ['-m', 'pip', 'wheel', '-q', '--no-build-isolation', '--no-deps', '--no-index']
WEIGHTS = """
import torch
from mmvisx.apis.build import build_model
from mmvisx.utils.config import load_config
model = build_model(load_config('mine.py'))
torch.save({'state_dict': model.state_dict()}, 'weights.pth')
"""


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
def mmvisx(wheel):
    """``mmvisx(folder, *words)`` runs the command of the unpacked wheel in a folder."""
    site = wheel.parent / 'site'
    with zipfile.ZipFile(wheel) as file:
        file.extractall(site)

    def call(folder, *words, command=('-m', 'mmvisx.cli')):
        env = {**os.environ, 'PYTHONPATH': str(site)}
        command = [sys.executable, *command, *words]
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = call(wheel.parent, command=('-c', 'import mmvisx; print(mmvisx.__file__)'))
    assert where.startswith(str(site))
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


def test_every_recipe_is_listed_and_reads(mmvisx, tmp_path, repo):
    names = [name.removeprefix('configs/')[:-3] for name in tracked(repo, 'configs/[!_]*/*.py')]
    listed = mmvisx(tmp_path, 'list').splitlines()
    assert [line.split()[0] for line in listed] == sorted(names)
    code = (
        'import sys; from mmvisx.utils.config import load_config\n'
        'print(sum("model" in load_config(name) for name in sys.argv[1:]))'
    )
    assert mmvisx(tmp_path, *names, command=('-c', code)).split()[-1] == str(len(names))


def test_trains_and_tests_by_name(mmvisx, tmp_path):
    name = 'gunn/gunn_nano_connectivity'
    short = ['--cfg-options', 'train_cfg.max_iters=2', 'val_dataloader.dataset.number=64']
    short += ['test_dataloader.dataset.number=64']
    mmvisx(tmp_path, 'train', name, '--work-dir', 'work', *short)
    checkpoint = tmp_path / 'work' / 'iter_2.pth'
    assert checkpoint.is_file()
    out = ['--out', 'metrics.json']
    mmvisx(tmp_path, 'test', name, str(checkpoint), *out, *short)
    assert (tmp_path / 'metrics.json').is_file()


def test_predicts_with_an_inherited_recipe(mmvisx, tmp_path):
    base = 'mmvisx::detectors/htc_rfp_sac_nano_without_semantic.py'
    (tmp_path / 'mine.py').write_text(f"_base_ = '{base}'\n")
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    mmvisx(tmp_path, command=('-c', WEIGHTS))
    said = mmvisx(tmp_path, 'predict', 'a.png', 'mine.py', 'weights.pth', '--device', 'cpu')
    assert '1 images' in said
    (file,) = (tmp_path / 'outputs/preds').glob('a*.json')
    assert set(json.loads(file.read_text())) >= {'bboxes', 'labels', 'masks', 'scores'}
