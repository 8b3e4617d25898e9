"""The floors of the package: an import only goes down."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINTER = [str(Path(sys.executable).with_name('lint-imports')), '--no-cache']


@pytest.fixture
def copy(tmp_path):
    """The package and its contract in a folder of their own."""
    shutil.copytree(ROOT / 'mmvisx', tmp_path / 'mmvisx', ignore=shutil.ignore_patterns('*.pyc'))
    shutil.copy(ROOT / 'pyproject.toml', tmp_path)
    return tmp_path


def lint(folder):
    return subprocess.run(
        LINTER, cwd=folder, env={'PYTHONPATH': str(folder)}, capture_output=True, text=True
    )


def test_contract_has_no_exception():
    text = (ROOT / 'pyproject.toml').read_text()
    contract = text.split('[[tool.importlinter.contracts]]')[1].split('\n[tool')[0]
    assert 'exhaustive = true' in contract
    assert 'ignore' not in contract


def test_no_import_runs_upward_and_one_that_does_is_found(copy):
    assert lint(copy).returncode == 0
    for floor, line in (
        ('registry', 'import mmvisx.utils'),
        ('utils/text', 'def f():\n    from mmvisx.surgery import fuse'),
        ('datasets/image_file', 'from mmvisx.models import layers'),
        ('visualization/figure', 'import mmvisx.engine'),
    ):
        file = copy / f'mmvisx/{floor}.py'
        text = file.read_text()
        file.write_text(f'{text}\n{line}\n')
        found = lint(copy)
        file.write_text(text)
        assert found.returncode == 1, floor
        assert f'mmvisx.{floor.replace("/", ".")}' in found.stdout


def test_folder_without_a_floor_is_found(copy):
    (copy / 'mmvisx/attic').mkdir()
    (copy / 'mmvisx/attic/__init__.py').write_text('"""Nobody knows."""\n')
    found = lint(copy)
    assert found.returncode == 1
    assert 'attic' in found.stdout
