"""What a reader of a config has to open: how many files, how deep, and no copies."""

import ast
import difflib
import functools
from pathlib import Path

import mmdet
import pytest

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
EVERY = sorted(path for path in CONFIGS.rglob('*.py') if '_series_' not in path.parts)
RECIPES = [path for path in EVERY if '_base_' not in path.parts]
MMDET = Path(mmdet.__file__).parent / '.mim/configs/_base_/models'


@functools.cache
def bases(path):
    """Files that a config names as its ``_base_``."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == '_base_':
            named = ast.literal_eval(node.value)
            named = [named] if isinstance(named, str) else named
            return [(path.parent / name).resolve() for name in named]
    return []


@functools.cache
def opened(path):
    """All files that make a config, itself included."""
    return {path}.union(*(opened(base) for base in bases(path)))


def depth(path):
    """Length of the longest chain of bases below a config."""
    return max((1 + depth(base) for base in bases(path)), default=0)


def name(path):
    return str(path.relative_to(CONFIGS))


def lines(path):
    """Lines with something in them, without comments."""
    found = (line.strip() for line in path.read_text().splitlines())
    return [line for line in found if line.strip('()[]{},') and not line.startswith('#')]


def test_counting_by_hand():
    recipe = CONFIGS / 'detectors/htc_rfp_no_aspp.py'
    names = {'detectors/htc_rfp_no_aspp.py', 'detectors/htc_rfp.py', 'detectors/htc.py'}
    names |= {'_base_/models/htc_r50_fpn.py', '_base_/benchmarks/coco_1x.py'}
    assert {name(path) for path in opened(recipe)} == names
    assert depth(recipe) == 3


@pytest.mark.parametrize('path', RECIPES, ids=name)
def test_a_recipe_opens_at_most_five_files(path):
    files = opened(path)
    assert len(files) <= 5, sorted(name(file) for file in files)


@pytest.mark.parametrize('path', EVERY, ids=name)
def test_bases_are_at_most_three_deep(path):
    assert depth(path) <= 3


@pytest.mark.parametrize('path', RECIPES, ids=name)
def test_hooks_and_schedulers_have_names_not_positions(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Subscript):
            what = ast.unparse(node.value).rpartition('.')[2]
            assert what not in ('custom_hooks', 'param_scheduler'), ast.unparse(node)


def test_every_base_has_a_reader():
    used = set().union(*(opened(path) for path in RECIPES))
    # For own use and for methods to come: READMEs, a method page and CONTRIBUTING name them.
    spare = {f'models/{net}_classifier.py' for net in ('alexnet', 'googlenet', 'vgg16', 'vgg19')}
    spare |= {'datasets/lip.py'}
    unread = {name(path) for path in EVERY if path not in used}
    assert unread == {f'_base_/{file}' for file in spare}


@pytest.mark.parametrize(
    'other',
    [
        CONFIGS / '_base_/models/faster_rcnn_r50_fpn.py',
        MMDET / 'faster-rcnn_r50-caffe-c4.py',
        MMDET / 'faster-rcnn_r50_fpn.py',
    ],
    ids=lambda path: path.name,
)
def test_faster_rcnn_c4_is_no_copy(other):
    ours, theirs = lines(CONFIGS / '_base_/models/faster_rcnn_r50_d_c4.py'), lines(other)
    blocks = difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
    assert len(theirs) > 50
    assert max(block.size for block in blocks) <= 5
    assert sum(block.size for block in blocks) <= 20
