"""Recipes by name: every one, near misses, paths that go first, words of the headers."""

import subprocess
import sys

import pytest

from mmvisx.utils import UserError
from mmvisx.utils.recipes import FOLDER, find_config, recipe_names, search_recipes

NAME = 'detectors/htc_rfp_sac'


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Where nothing is but what the test puts there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_names_are_those_of_the_checkout(repo):
    listed = subprocess.run(
        ['git', 'ls-files', 'configs/*.py'], cwd=repo, capture_output=True, text=True, check=True
    )
    tracked = [path[len('configs/') : -len('.py')] for path in listed.stdout.split()]
    names = recipe_names()
    assert set(names) == {name for name in tracked if name[0] != '_'}
    assert len(names) > 200
    assert repo / 'configs' == FOLDER


@pytest.mark.parametrize('given', [NAME, f'{NAME}.py', f'configs/{NAME}.py', f'configs/{NAME}'])
def test_recipe_is_found_from_any_folder(folder, repo, given):
    assert find_config(given) == repo / f'configs/{NAME}.py'


def test_series_and_bases_are_found_too(folder, repo):
    for name in ('_series_/gunn_cifar10', '_base_/models/htc_r50_fpn'):
        assert find_config(name) == repo / f'configs/{name}.py'


def test_file_that_is_there_goes_first(folder):
    (folder / 'detectors').mkdir()
    (folder / f'{NAME}.py').write_text('model = None\n')
    assert find_config(f'{NAME}.py').resolve() == folder / f'{NAME}.py'


@pytest.mark.parametrize(
    'given', ['detectors/htc_rfp_sack', 'configs/detector/htc_rfp_sac.py', 'htc_rfp_sac']
)
def test_near_miss_names_the_recipe(folder, given):
    with pytest.raises(UserError, match=rf'{given} does not exist.*did you mean.*{NAME}\b'):
        find_config(given)


def test_sibling_is_named_before_a_recipe(folder):
    (folder / 'htc_rfp_mine.py').write_text('')
    with pytest.raises(UserError, match=r'\(did you mean htc_rfp_mine\.py\?\)'):
        find_config('htc_rfp_mind.py')


def test_words_are_searched_in_names_and_whole_headers():
    every = dict(search_recipes([]))
    assert list(every) == recipe_names()
    assert all(every.values())
    assert every[NAME] == (
        'DetectoRS: HTC + RFP + SAC, ResNet-50, COCO, 12 epochs (001, Table 6-II, row 4)'
    )
    # Written below the command; "rfp" stands in names only.
    assert NAME in dict(search_recipes(['49.0/42.1']))
    found = dict(search_recipes(['CPU', 'rfp']))
    assert 'detectors/htc_rfp_sac_nano_shapes' in found
    assert NAME not in found
    assert not dict(search_recipes(['no such word']))


def test_search_imports_nothing_slow():
    code = (
        'import sys; from mmvisx.utils.recipes import search_recipes; list(search_recipes(["x"]))\n'
        'print([m for m in ("torch", "numpy", "mmengine", "mmcv") if m in sys.modules])'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '[]'
