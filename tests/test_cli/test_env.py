"""Every fault that mmvisx env knows, made with fakes."""

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mmvisx.cli import env as check_env
from mmvisx.cli.env import FAULT, INFO, OK, WARN, Row

GOOD_VERSIONS = {
    **{name: low for name, (low, _) in check_env.RANGES.items()},
    **{
        'pycocotools': '2.0.11',
        'scipy': '1.17',
        'scikit-learn': '1.9',
        'matplotlib': '3.11',
        'mmvisx': '0.1.0',
    },
    'setuptools': '80.10.2',
}


def good_probe() -> dict[str, dict]:
    """All modules import, and their versions are those of their distributions."""
    probe = {
        module: {'error': '', 'file': f'/site/{module}', 'version': GOOD_VERSIONS[name]}
        for module, name in check_env.MODULES.items()
    }
    probe['torch']['cuda'] = []
    probe['mmcv._ext']['compiled_cuda'] = 'not available'
    return probe


@pytest.fixture
def environment(monkeypatch):
    """A faultless environment as (versions, probe), to be broken by the test."""
    versions, probe = dict(GOOD_VERSIONS), good_probe()

    def version(name: str) -> str:
        if versions.get(name) is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(importlib.metadata, 'version', version)
    monkeypatch.setattr(check_env, 'probe_modules', lambda names: probe)
    monkeypatch.setattr(check_env, 'try_compiler', lambda: ('c++', ''))
    return versions, probe


def problems() -> dict[str, Row]:
    """The faults and warnings of the whole check."""
    rows = check_env.check_installed()
    return {row.item: row for row in rows if row.status not in (OK, INFO)}


def test_good_environment_has_no_problem(environment):
    assert problems() == {}
    assert len(check_env.check_installed()) >= 17


@pytest.mark.parametrize(
    ('version', 'low', 'high', 'inside'),
    [
        ('2.4', '2.4', '2.14', True),
        ('2.13.0+cpu', '2.4', '2.14', True),
        ('2.14.0', '2.4', '2.14', False),
        ('2.3.1', '2.4', '2.14', False),
        ('2.10', '2.4', '2.14', True),
    ],
)
def test_ranges_compare_numbers(version, low, high, inside):
    assert check_env.in_range(version, low, high) is inside


@pytest.mark.parametrize(
    ('version', 'status'), [((3, 9, 18), FAULT), ((3, 10, 0), OK), ((3, 13, 0), WARN)]
)
def test_python_version(version, status):
    assert check_env.check_python(version).status == status


@pytest.mark.parametrize(('version', 'wanted'), [('2.14.0', '<2.14'), ('2.3.0', '>=2.5')])
def test_torch_outside_the_range(environment, version, wanted):
    environment[0]['torch'] = version
    row = problems()['torch']
    assert row.status == FAULT
    assert wanted in row.wanted
    assert row.fix == 'pip install -c constraints.txt torch'


@pytest.mark.parametrize('name', [n for n in check_env.RANGES if n.startswith('onedl-')])
def test_missing_and_wrong_onedl_package(environment, name):
    for version in (None, '9.0'):
        environment[0][name] = version
        row = problems()[name]
        assert row.status == FAULT
        assert row.fix.endswith(name)
    assert ('--no-build-isolation' in row.fix) == (name == 'onedl-mmcv')


def test_torch_that_raises_on_import_is_a_row(environment):
    environment[1]['torch'] = {'error': 'OSError: libcudart.so.13: cannot open'}
    row = problems()['torch']
    assert row.status == FAULT
    assert 'libcudart' in row.found


def test_cpu_only_torch_beside_the_default_torchvision(environment):
    versions, probe = environment
    versions['torch'] = probe['torch']['version'] = '2.11.0+cpu'
    probe['torchvision'] = {'error': 'RuntimeError: operator torchvision::nms does not exist'}
    found = problems()
    assert list(found) == ['torchvision']
    assert '2.11.0+cpu' in found['torchvision'].found
    assert '--force-reinstall torch torchvision' in found['torchvision'].fix


def test_missing_ops_make_build_tools_faults(environment, monkeypatch):
    versions, probe = environment
    versions['setuptools'] = '65.5.0'
    monkeypatch.setattr(check_env, 'try_compiler', lambda: ('c++', 'missing'))
    assert {row.status for row in problems().values()} == {WARN}

    probe['mmcv._ext'] = {'error': "ModuleNotFoundError: No module named 'mmcv._ext'"}
    found = problems()
    assert set(found) == {'C++ compiler', 'setuptools', 'mmcv._ext'}
    assert {row.status for row in found.values()} == {FAULT}
    # The cached wheel may be the one without ops.
    assert '--no-cache-dir' in found['mmcv._ext'].fix
    assert '--no-build-isolation' in found['mmcv._ext'].fix


def test_missing_setuptools(environment):
    environment[0]['setuptools'] = None
    assert problems()['setuptools'].found == 'missing'


@pytest.mark.parametrize('name', check_env.OLD_DISTRIBUTIONS)
def test_old_openmmlab_distribution(environment, name):
    environment[0][name] = '2.1.0'
    found = problems()
    assert list(found) == [name]
    assert found[name].status == FAULT
    # Uninstalling removes files of the onedl package too, so that one comes again.
    assert found[name].fix.startswith(f'pip uninstall -y {name} && ')
    assert found[name].fix.endswith(check_env.OLD_DISTRIBUTIONS[name])


def test_another_copy_on_the_path(environment):
    environment[1]['mmdet'] = {'error': '', 'version': '3.3.0', 'file': '/home/me/mmdet/x.py'}
    row = problems()['onedl-mmdetection']
    assert row.status == FAULT
    assert '/home/me/mmdet/x.py' in row.found


def test_ops_of_torch_need_no_build_tools(environment, monkeypatch):
    monkeypatch.setattr(check_env, 'try_compiler', lambda: ('c++', 'missing'))
    environment[1]['mmcv._ext']['compiled'] = False
    rows = {row.item: row for row in check_env.check_installed()}
    assert rows['mmcv._ext'].status == OK
    assert rows['mmcv._ext'].found == "torch's and torchvision's"
    assert 'C++ compiler' not in rows


def test_ops_without_cuda_beside_a_gpu(environment):
    environment[1]['torch']['cuda'] = ['NVIDIA X']
    row = problems()['mmcv._ext']
    assert row.status == WARN
    assert 'FORCE_CUDA=1' in row.fix
    environment[1]['mmcv._ext']['compiled_cuda'] = '13.0'
    assert problems() == {}


@pytest.mark.parametrize('name', ['numpy', 'pycocotools', 'mmvisx'])
def test_other_packages(environment, name):
    environment[0][name] = None
    assert problems()[name].status == FAULT


def test_modules_after_one_that_kills_the_interpreter(environment):
    probe = environment[1]
    probe['torch'] = {'error': 'the interpreter died (exit code -11)'}
    for module in list(probe)[list(probe).index('torch') + 1 :]:
        del probe[module]
    found = problems()
    assert 'exit code -11' in found['torch'].found
    assert 'not tried' in found['onedl-mmdetection'].found
    assert found['mmcv._ext'].status == FAULT


def test_probe_survives_what_kills_a_process(tmp_path, monkeypatch):
    (tmp_path / 'fine_module.py').write_text("__version__ = '1.5'\nprint('noise')")
    (tmp_path / 'raising_module.py').write_text("raise OSError('no such library\\nmore')")
    (tmp_path / 'deadly_module.py').write_text('import os; os._exit(7)')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    names = ['fine_module', 'absent_module', 'raising_module', 'deadly_module', 'json']
    probe = check_env.probe_modules(names)
    assert probe['fine_module']['version'] == '1.5'
    assert probe['fine_module']['error'] == ''
    assert 'ModuleNotFoundError' in probe['absent_module']['error']
    assert probe['raising_module']['error'] == 'OSError: no such library'
    assert probe['deadly_module']['error'] == 'the interpreter died (exit code 7)'
    assert 'json' not in probe


def test_probe_gives_up_on_a_module_that_hangs(tmp_path, monkeypatch):
    (tmp_path / 'hanging_module.py').write_text('import time; time.sleep(60)')
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    probe = check_env.probe_modules(['hanging_module'], timeout=1)
    assert probe['hanging_module']['error'] == 'no answer in 1 s'


def test_compiler_that_is_missing_or_fails(monkeypatch):
    monkeypatch.setenv('CXX', 'no-such-compiler')
    assert check_env.try_compiler() == ('no-such-compiler', 'missing')
    monkeypatch.setenv('CXX', 'false')
    assert check_env.try_compiler() == ('false', 'does not compile C++17')
    monkeypatch.setattr(check_env.sysconfig, 'get_paths', lambda: {'include': '/nowhere'})
    assert 'no Python.h' in check_env.try_compiler()[1]


def test_missing_ensurepip(monkeypatch):
    monkeypatch.setitem(sys.modules, 'ensurepip', None)
    row = check_env.check_venv()
    assert row.status == FAULT
    assert 'python3-venv' in row.fix


def test_small_disk():
    assert check_env.check_disk(int(5e9)).status == WARN
    assert check_env.check_disk(int(50e9)).status == OK


def test_main_prints_the_table_and_the_exit_code(environment, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['check_env.py'])
    assert check_env.main() == 0
    assert capsys.readouterr().out.rstrip().endswith('environment: ok')

    environment[0]['torch'] = '2.14.1'
    monkeypatch.setattr(sys, 'argv', ['check_env.py', '--quiet'])
    assert check_env.main() == 1
    printed = capsys.readouterr().out
    assert re.search(r'^torch +2\.14\.1 +>=2\.5,<2\.14 +FAULT\n    -> pip install', printed, re.M)
    assert 'numpy' not in printed


def test_script_runs_without_site_packages(repo):
    command = [sys.executable, '-I', '-S', 'tools/check_env.py']
    done = subprocess.run(command, cwd=repo, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert re.search(r'^torch +missing', done.stdout, re.M)
    assert 'Traceback' not in done.stdout + done.stderr


def test_ranges_and_lists_agree_with_the_metadata(repo: Path):
    text = (repo / 'pyproject.toml').read_text()
    listed = re.search(r'\ndependencies = \[(.*?)\n\]', text, re.S)
    assert listed is not None
    declared = dict(re.findall(r'"([a-z-]+)([^"]*)"', listed.group(1)))
    for name, (low, high) in check_env.RANGES.items():
        if name != 'onedl-mmcv':
            assert declared[name] == f'>={low},<{high}'

    user_list = (repo / 'requirements.txt').read_text().splitlines()
    assert {line for line in user_list if re.match('[a-z]', line)} == set(declared)

    pins = dict(re.findall(r'^([\w-]+)==(\S+)', (repo / 'constraints.txt').read_text(), re.M))
    for name, (low, high) in check_env.RANGES.items():
        assert check_env.in_range(pins[name], low, high)
