"""Run a tool's ``main`` in this process; importing mmdet takes seconds."""

import importlib.util
import sys
from pathlib import Path

import pytest

from tests.helpers.loggers import forget_loggers


@pytest.fixture(scope='session')
def tool(repo: Path):
    """``tool(path, *arguments)`` returns the exit code of ``main``."""

    def call(path: str, *arguments: object) -> int:
        spec = importlib.util.spec_from_file_location('tool_under_test', repo / path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        forget_loggers()
        before = sys.argv
        sys.argv = [path, *map(str, arguments)]
        try:
            return module.main() or 0
        finally:
            sys.argv = before

    return call


@pytest.fixture(scope='session')
def trained(tool, tiny_config: Path, tiny_coco: Path, tmp_path_factory: pytest.TempPathFactory):
    """The work dir of a one-epoch training of the tiny detector (two iterations)."""
    work_dir = tmp_path_factory.mktemp('trained')
    tool(
        'tools/train.py', tiny_config, '--work-dir', work_dir,
        '--cfg-options', f'data_root={tiny_coco}',
    )  # fmt: skip
    return work_dir
