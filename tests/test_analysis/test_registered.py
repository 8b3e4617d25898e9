"""What every analysis has in common."""

import inspect
from importlib import import_module
from pathlib import Path

import pytest

from mmvisx.registry import ANALYSES

ANALYSES.import_from_location()
NAMES = sorted(ANALYSES.module_dict)


def test_every_tool_of_the_folder_measures_by_a_registered_analysis(repo):
    """But for the table of recipes, which reads text."""
    tools = {path.stem for path in (repo / 'tools' / 'analysis').glob('*.py')} - {'recipe_table'}
    used = {}
    for tool in tools:
        text = (repo / 'mmvisx' / 'cli' / 'analysis' / f'{tool}.py').read_text()
        used[tool] = [name for name in NAMES if f'import {name}' in text]
    # The pictures of a clustering are commands of one tool.
    wanted = dict.fromkeys(tools, 1) | dict(clusters=7)
    assert {tool: len(names) for tool, names in used.items()} == wanted
    # Of banks: commands of another folder, and one that the teaching of a classifier asks for.
    others = {'FewShotTable': 'cli/few_shot/compare.py'}
    others |= {'FewShotTasks': 'cli/few_shot/episodes.py'}
    others |= {'Unknown': 'apis/few_shot_teach.py'}
    for name, path in others.items():
        assert f'import {name}' in (repo / 'mmvisx' / path).read_text().replace('Banks, ', '')
    assert sorted([name for names in used.values() for name in names] + list(others)) == NAMES


@pytest.mark.parametrize('name', NAMES)
def test_measures_and_draws(name):
    kind = ANALYSES.get(name)
    assert kind.__module__.startswith('mmvisx.analysis.')
    for method in (kind.measure, kind.draw):
        signature = inspect.signature(method)
        assert signature.return_annotation is not inspect.Signature.empty
        assert 'cfg' not in signature.parameters or name == 'LearningRates'  # of a config itself
    # One module an analysis.
    source = Path(inspect.getfile(kind)).read_text()
    assert source.count('@ANALYSES.register_module') == 1
    assert 'matplotlib' not in source
    assert getattr(import_module('mmvisx.analysis'), name) is kind
