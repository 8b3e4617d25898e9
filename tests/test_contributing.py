"""The tables of CONTRIBUTING are true: floors, files of a method, what to touch, what comes."""

import re
from fnmatch import fnmatch

import pytest

from tests.helpers.pages import (
    ROOT,
    TOP,
    dotted_names,
    file_of,
    lookup,
    own_types,
    paths_of,
    unbrace,
)

TEXT = (ROOT / 'CONTRIBUTING.md').read_text()
FILES = [
    path.relative_to(ROOT).as_posix()
    for top in TOP
    for path in ROOT.glob(f'{top}**/*')
    if path.is_file() and '__pycache__' not in path.parts
]


def table(title):
    """The rows of the table of a section, each a list of its cells."""
    section = TEXT.split(f'\n## {title}\n')[1].split('\n## ')[0]
    rows = [line[1:-1].split('|') for line in section.splitlines() if line[:1] == '|']
    return [[cell.strip() for cell in row] for row in rows[2:]]


def code(cell):
    return re.findall(r'`([^`]+)`', cell)


def matching(patterns):
    return {file for file in FILES for pattern in patterns if fnmatch(file, pattern)}


FLOORS = [
    [floor.removeprefix('mmvisx/').removesuffix('/').removesuffix('.py') for floor in code(row[0])]
    for row in table('Where things are')
]
METHODS = {row[0].strip('`'): row for row in table('Files of a method')}
SHARED = code(TEXT.split('All methods share')[1].split('\n## ')[0])


def test_floors_are_those_of_the_contract():
    contract = (ROOT / 'pyproject.toml').read_text().split('\nlayers = [')[1].split(']')[0]
    layers = [line.split(' | ') for line in re.findall(r'"(.+)"', contract)]
    assert [[f for f in layer if f != 'version'] for layer in layers] == FLOORS


def test_every_folder_is_in_the_table():
    for floors, row in zip(FLOORS, table('Where things are'), strict=True):
        there = {
            f'{path.parent.relative_to(ROOT / "mmvisx" / floor).as_posix()}/'
            for floor in floors
            for path in (ROOT / 'mmvisx' / floor).glob('*/**/__init__.py')
        }
        assert set(code(row[1])) == there


def test_methods_are_those_with_a_page():
    pages = {path.stem for path in (ROOT / 'docs/methods').glob('*.md')} - {'foundation'}
    assert set(METHODS) == pages


@pytest.mark.parametrize('page', METHODS)
def test_files_of_a_method_bear_its_stem_or_are_listed(page):
    _, stems, others = (code(cell) for cell in METHODS[page])
    whole = matching([*(f'*{stem}*' for stem in stems), *others, *SHARED])
    text = (ROOT / f'docs/methods/{page}.md').read_text()
    named = {file_of(found) for name in dotted_names(text) if (found := lookup(name))}
    named |= {
        path.relative_to(ROOT).as_posix()
        for _, found in paths_of(text)
        for path in found
        if path.is_file() and path.suffix != '.md'
    }
    assert sorted(named - whole) == []
    with_stem = matching(f'*{stem}*' for stem in stems)
    for pattern in others:
        assert matching([pattern]) - with_stem, pattern  # a stem would find them all


def test_shared_files_are_there():
    assert [pattern for pattern in SHARED if not matching([pattern])] == []


def test_every_registered_type_stands_where_the_table_says():
    rows = table('To add something, touch these files')
    paths = [path for row in rows for name in code(row[1]) for path in unbrace(name)]
    folders = {path.rpartition('/')[0] for path in paths if '*' in path.rpartition('/')[2]}
    for kind in own_types().values():
        assert any(fnmatch(file_of(kind), f'{folder}/*.py') for folder in folders), kind


def test_methods_to_come_have_free_stems_and_known_floors():
    rows = table('Methods to come')
    assert len(rows) == 6
    stems = [code(row[1])[0] for row in rows]
    assert sorted(matching(f'*{stem}*' for stem in stems)) == []
    known = {floor for floors in FLOORS for floor in floors}
    for row in rows:
        folders = [name for name in code(row[2]) if name.endswith('/')]
        assert folders
        assert {folder.split('/')[0] for folder in folders} <= known
        assert all((ROOT / 'mmvisx' / folder).is_dir() for folder in folders)
