"""Every path and name in the Markdown of the project is there."""

import re

import pytest

from tests.helpers.pages import ROOT, all_types, defined, dotted_names, lookup, paths_of, words

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ('*.md', 'docs/**/*.md', 'configs/*/README.md')
    for path in ROOT.glob(pattern)
    if path.name != 'CHANGELOG.md'  # says what was
)


def missing_paths(text):
    """Return the paths of a text that lead nowhere."""
    return [path for path, found in paths_of(text) if not found]


def missing_names(text):
    """Return the types, dotted names, classes and test functions that are nowhere."""
    missing = [name for name in sorted(dotted_names(text)) if lookup(name) is None]
    alone = {word for line in words(text) for word, alone in line if alone}
    simple = {w for w in alone if re.fullmatch(r'[A-Z]\w*[a-z]\w*|test_\w+', w)}
    return missing + sorted(simple - all_types() - defined())


def test_pages_are_all_in_the_index():
    pages = {path.stem for path in ROOT.glob('docs/methods/*.md')}
    index = re.findall(r'\(docs/methods/(\w+)\.md\)', (ROOT / 'METHODS.md').read_text())
    assert pages == set(index)
    assert len(pages) >= 8


@pytest.mark.parametrize('page', PAGES)
def test_links_lead_somewhere(page):
    folder = (ROOT / page).parent
    links = re.findall(r'\]\(([^)#]+)[^)]*\)', (ROOT / page).read_text())
    assert [a for a in links if '://' not in a and not (folder / a).exists()] == []


@pytest.mark.parametrize('page', PAGES)
def test_paths_are_there(page):
    assert missing_paths((ROOT / page).read_text()) == []


@pytest.mark.parametrize('page', PAGES)
def test_names_are_there(page):
    assert missing_names((ROOT / page).read_text()) == []


def test_what_is_missing_is_found():
    row = '| `detectors/htc_{sac,rsc}.py`, `htc_rfp.py` | `test_ops/test_conv.py` |'
    assert missing_paths(row) == ['detectors/htc_rsc.py', 'test_ops/test_conv.py']
    block = '```\npython tools/run.py configs/gunn/ work_dirs/a.py\n```'
    assert missing_paths(block) == ['tools/run.py']
    assert missing_paths('`tests/test_docs.py::test_paths`') == ['tests/test_docs.py::test_paths']
    names = (
        '`mmvisx.GUNN`, `mmvisx.GONE`, `mmvisx.utils.UserError`, `mmvisx.utils.Gone`, `GoneHook`'
    )
    assert missing_names(names) == ['mmvisx.GONE', 'mmvisx.utils.Gone', 'GoneHook']
    assert missing_names('`test_names_are_there`, `test_names_are_gone`') == ['test_names_are_gone']
