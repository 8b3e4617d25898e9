"""The decisions of tools/setup_env.py; the installation itself is what `make setup` shows."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import setup_env
from tools.setup_env import SetupError

GPU, NVCC = 'GPU 0: NVIDIA X (UUID: GPU-1)\n', 'Cuda compilation tools, release 13.0, V13.0.88\n'


@pytest.fixture
def sandbox(tmp_path, monkeypatch):
    """A checkout with nothing but an empty ``.venv``."""
    (tmp_path / '.venv').mkdir()
    monkeypatch.setattr(setup_env, 'ROOT', tmp_path)
    for name, file in {'VENV': '', 'LOG': 'setup.log', 'STAMP': 'setup.json'}.items():
        monkeypatch.setattr(setup_env, name, tmp_path / '.venv' / file)
    return tmp_path


@pytest.mark.parametrize(
    ('gpus', 'nvcc', 'torch_cuda', 'build', 'reason'),
    [
        (GPU, NVCC, '13.0', True, 'CUDA 13.0'),
        ('', NVCC, '13.0', False, 'no CUDA GPU'),
        ('No devices found.\n', NVCC, '13.0', False, 'no CUDA GPU'),
        (GPU, '', '13.0', False, 'no nvcc'),
        (GPU, NVCC, None, False, 'without CUDA'),
        (GPU, NVCC, '12.8', False, 'torch needs CUDA 12.8'),
    ],
)
def test_cuda_is_built_only_where_it_can_be(gpus, nvcc, torch_cuda, build, reason):
    chosen, why = setup_env.choose_cuda(gpus, nvcc, torch_cuda)
    assert chosen is build
    assert reason in why


@pytest.mark.parametrize(
    ('line', 'expected'),
    [
        ('  [59/78] c++ -MMD -MF x.o.d\n', ('compiled 59/78', 59, 78)),
        ('Collecting torch==2.11.0\n', ('Collecting torch==2.11.0', 0, 0)),
        ('  Downloading a-1.0.whl (5 MB)\n', ('Downloading a-1.0.whl (5 MB)', 0, 0)),
        ('Requirement already satisfied: numpy\n', ('', 0, 0)),
    ],
)
def test_output_is_condensed(line, expected):
    assert setup_env.condense(line) == expected


def test_progress_shows_the_count_and_the_time_left(sandbox, monkeypatch, capsys):
    monkeypatch.setattr(setup_env, 'HEARTBEAT_S', 0)
    script = "import time\nfor i in range(1, 6): print(f'  [{i}/6] c++'); time.sleep(0.2)"
    setup_env.run_step('compiling', [sys.executable, '-c', script])
    printed = capsys.readouterr().out
    assert 'compiled 5/6, about 0:00 left' in printed
    assert '[5/6] c++' in (sandbox / '.venv' / 'setup.log').read_text()


def test_failed_step_shows_the_end_of_its_output(sandbox):
    script = "[print(f'line {i}') for i in range(100)]; raise SystemExit(3)"
    with pytest.raises(SetupError, match=r'exit code 3') as caught:
        setup_env.run_step('compiling', [sys.executable, '-c', script])
    assert 'line 99' in str(caught.value)
    assert 'line 5\n' not in str(caught.value)
    assert str(sandbox / '.venv' / 'setup.log') in str(caught.value)


def test_half_installed_package_is_forgotten(tmp_path):
    for name in ('whole', 'half'):
        folder = tmp_path / f'{name}-1.0.dist-info'
        folder.mkdir()
        (folder / 'METADATA').write_text(f'Name: {name}\nVersion: 1.0\n')
    (tmp_path / 'whole-1.0.dist-info' / 'RECORD').write_text('')
    assert setup_env.drop_half_installed(tmp_path) == ['half-1.0.dist-info']
    assert [folder.name for folder in tmp_path.iterdir()] == ['whole-1.0.dist-info']


@pytest.mark.parametrize('changed', ['constraints.txt', 'pyproject.toml', 'tools/setup_env.py'])
def test_fingerprint_follows_its_files_and_the_place(repo: Path, tmp_path, changed):
    here, there = tmp_path / 'here', tmp_path / 'there'
    for root in (here, there):
        (root / 'tools').mkdir(parents=True)
        for name in ('constraints.txt', 'pyproject.toml', 'tools/setup_env.py'):
            shutil.copy(repo / name, root / name)
    before = setup_env.fingerprint(here)
    assert setup_env.fingerprint(here) == before
    assert setup_env.fingerprint(there) != before
    (here / changed).write_text('changed')
    assert setup_env.fingerprint(here) != before


@pytest.mark.parametrize('text', [None, '', '{"complete": '])
def test_unreadable_stamp_counts_as_none(sandbox, text):
    if text is not None:
        setup_env.STAMP.write_text(text)
    assert setup_env.read_stamp() == {}


class FakePip:
    """Stands in for pip and for the probe of mmcv's ops."""

    def __init__(self, monkeypatch, ops: list, installed: bool) -> None:
        self.ops, self.installed, self.commands, self.environments = ops, installed, [], []
        monkeypatch.setattr(setup_env, 'probe_ops', lambda: self.ops.pop(0))
        monkeypatch.setattr(setup_env, 'ask', self.ask)
        monkeypatch.setattr(setup_env, 'run_step', self.run_step)

    def ask(self, command):
        if 'cache' in command:
            self.commands.append('cache removed')
            return ''
        return '13.0\n' if '-c' in command else 'Name: x\n' * (self.installed and 'pip' in command)

    def run_step(self, title, command, env):
        self.commands.append(command)
        self.environments.append(env)

    @staticmethod
    def name(command):
        if isinstance(command, str):
            return command
        return 'install afresh' if '--force-reinstall' in command else 'install'


CPU_OPS = {'torch': '2.11.0', 'cuda': False}


@pytest.mark.parametrize(
    ('ops', 'installed', 'state', 'cached'),
    [
        # Nothing there: pip's cache may be used.
        ([None, CPU_OPS], False, {}, [True]),
        # The cached wheel does not run: built again.
        ([None, None, CPU_OPS], False, {}, [True, False]),
        # Installed without ops: the cache holds the same build.
        ([None, CPU_OPS], True, {}, [False]),
        # Built for another torch, and still importable.
        ([CPU_OPS, CPU_OPS], True, {'ops': {'torch': '2.10.0', 'cuda': False}}, [False]),
        # All is well: pip only looks.
        ([CPU_OPS], True, {'ops': CPU_OPS}, [True]),
    ],
)
@pytest.mark.parametrize('wanted', ['', 'compiled'])
def test_ops_are_built_again_only_where_needed(
    sandbox, monkeypatch, ops, installed, state, cached, wanted
):
    monkeypatch.setenv('OPS', wanted)
    pip = FakePip(monkeypatch, list(ops), installed)
    assert setup_env.install_ops(dict(state)) is False
    expected = []
    for from_cache in cached:
        expected += ['install'] if from_cache else ['cache removed', 'install afresh']
    assert [pip.name(command) for command in pip.commands] == expected
    assert json.loads(setup_env.STAMP.read_text())['ops'] == CPU_OPS
    for env in pip.environments:
        assert (env['FORCE_CUDA'], env['CUDA_VISIBLE_DEVICES']) == ('0', '')
        assert int(env['MAX_JOBS']) >= 1


NO_OPS = {'torch': '', 'cuda': False}


@pytest.mark.parametrize(
    ('wanted', 'ops', 'installed', 'cached', 'left'),
    [
        ('', [None, NO_OPS], False, [True], NO_OPS),
        ('', [NO_OPS], True, [True], NO_OPS),
        # Asked for later: the cache holds what was installed, without ops.
        ('compiled', [NO_OPS, CPU_OPS], True, [False], CPU_OPS),
        # The cache holds a build without ops.
        ('compiled', [None, NO_OPS, CPU_OPS], False, [True, False], CPU_OPS),
        # Compiled ones that are there stay.
        ('', [CPU_OPS], True, [True], CPU_OPS),
    ],
)
def test_without_a_compiler_unless_asked_for(
    sandbox, monkeypatch, wanted, ops, installed, cached, left
):
    monkeypatch.setenv('OPS', wanted)
    pip = FakePip(monkeypatch, list(ops), installed)
    gpu = setup_env.install_ops({})
    # torch's own ops need no build for a GPU; ops that were built for the CPU cannot use one.
    assert gpu is (left is NO_OPS)
    assert json.loads(setup_env.STAMP.read_text())['ops'] == left
    expected = []
    for from_cache in cached:
        expected += ['install'] if from_cache else ['cache removed', 'install afresh']
    assert [pip.name(command) for command in pip.commands] == expected
    # With pip's isolation there is no torch to build against.
    installs = [command for command in pip.commands if isinstance(command, list)]
    assert all(('--no-build-isolation' in c) is (wanted == 'compiled') for c in installs)


def test_a_wrong_word_for_the_ops_is_named(monkeypatch):
    monkeypatch.setenv('OPS', 'fast')
    with pytest.raises(SetupError, match="OPS=fast: 'compiled' builds"):
        setup_env.wants_compiled()


def test_ops_that_never_run_are_an_error(sandbox, monkeypatch):
    FakePip(monkeypatch, [None, None, None], installed=False)
    with pytest.raises(SetupError, match='do not run'):
        setup_env.install_ops({})


def test_broken_interpreter_is_named(sandbox, monkeypatch):
    python = sandbox / '.venv' / 'python'
    python.symlink_to('/nowhere/python3')
    monkeypatch.setattr(setup_env, 'PYTHON', python)
    with pytest.raises(SetupError, match='remove the folder'):
        setup_env.make_venv()


def test_makefile_refuses_a_missing_and_an_old_python(repo: Path, tmp_path):
    old = tmp_path / 'oldpython'
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.8.1\nexit 1\n')
    old.chmod(0o755)
    for python, message in (('no-such-python', 'no program'), (str(old), '3.8.1 is too old')):
        done = subprocess.run(
            ['make', f'PYTHON={python}', 'setup'], cwd=repo, capture_output=True, text=True
        )
        assert done.returncode != 0
        assert message in done.stdout


@pytest.mark.parametrize('target', ['unit', 'test-slow'])
def test_tests_run_side_by_side_with_one_thread_each(repo: Path, target):
    done = subprocess.run(['make', '-n', target], cwd=repo, capture_output=True, text=True)
    command = next(line for line in done.stdout.splitlines() if '-m pytest' in line)
    assert 'OMP_NUM_THREADS=1 ' in command
    assert re.search(r' -n (logical|auto|[2-9]) ', command), command


@pytest.mark.parametrize(
    ('extra', 'some'), [('test', {'pytest', 'pytest-xdist'}), ('release', {'build', 'twine'})]
)
def test_what_an_extra_needs_is_pinned(repo: Path, extra, some):
    listed = re.search(rf'\n{extra} = \[(.*?)\]', (repo / 'pyproject.toml').read_text(), re.S)
    wanted = set(re.findall(r'"([a-z-]+)[">]', listed.group(1)))
    pinned = re.findall(r'^([\w-]+)==', (repo / 'constraints.txt').read_text(), re.M)
    assert some <= wanted <= set(pinned)
