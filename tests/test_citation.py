"""CITATION.cff, and what the pages of the methods say to cite, agree with each other."""

import re

import pytest
import yaml

from mmvisx import __version__
from tests.helpers.pages import ROOT

CITATION = yaml.safe_load((ROOT / 'CITATION.cff').read_text())
DOCUMENTS = {work['notes'].removeprefix('Document '): work for work in CITATION['references']}
PAGES = sorted((ROOT / 'docs/methods').glob('*.md'))


def entries(text):
    """The BibTeX entries of a page's last section, each a dict of its fields."""
    section = re.split(r'(?m)^## Cite$', text)[1]
    blocks = re.findall(r'(?ms)^@\w+\{.*?^\}$', section)
    return [dict(re.findall(r'(\w+) += \{(.*?)\},?$', block, re.M)) for block in blocks]


def author(person):
    return person.get('name') or f'{person["family-names"]}, {person["given-names"]}'


def test_citation_is_of_this_version():
    assert CITATION['version'] == __version__
    assert CITATION['license'] == 'Apache-2.0'
    assert {'cff-version', 'message', 'title', 'authors'} <= set(CITATION)  # what 1.2 requires


def test_all_documents_are_cited():
    named = re.findall(r'\b00\d\b', (ROOT / 'METHODS.md').read_text())
    assert set(DOCUMENTS) == set(named) == {f'00{n}' for n in range(5)}
    assert all({'type', 'title', 'authors'} <= set(work) for work in DOCUMENTS.values())


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_page_cites_its_documents(page):
    text = page.read_text()
    numbers = re.findall(r'\b00\d\b', text.splitlines()[0])
    works = [DOCUMENTS[number] for number in numbers] or [CITATION]
    cited = entries(text)
    assert len(cited) == len(works)
    for entry, work in zip(cited, works, strict=True):
        assert entry['title'] == work['title']
        assert [entry['author'].strip('{}')] == [author(person) for person in work['authors']]
        if work is not CITATION:
            assert entry.get('school') == work.get('institution', {}).get('name')
            assert entry.get('year') == (str(work['year']) if 'year' in work else None)
            assert re.match(r'(Chapter|Slide)s? \d', entry['note'])
