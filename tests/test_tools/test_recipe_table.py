"""The generated tables of recipes."""

import pytest

from mmvisx.cli.analysis import recipe_table
from mmvisx.utils import UserError

HEADER = """# A network
# of two lines.
#   tools/train.py configs/{name}.py
# Hardware: none. Expected: top-1 {number} ({where}). Obtained: {ours}.
_base_ = []
# Expected: nothing (Table 9.9, row 9). Obtained: nothing.
"""
README = 'Text.\n<!-- recipes: Table 1.1 -->\nold\n<!-- end -->\nMore.\n'


def write(folder, name, where='Table 1.1, row 1', number='50.1', ours='not run'):
    text = HEADER.format(name=name, where=where, number=number, ours=ours)
    (folder / f'{name}.py').write_text(text)


def test_readme_of_the_classification_recipes_is_up_to_date(repo):
    assert recipe_table.main([str(repo / 'configs/bag_of_tricks'), '--check']) == 0


def test_every_number_of_the_documents_tables_is_there(repo):
    text = (repo / 'configs/bag_of_tricks/README.md').read_text()
    rows = {m['table']: m['rows'].count('\n') - 2 for m in recipe_table.BLOCK.finditer(text)}
    assert rows.pop('others')
    assert rows == {
        'Table 2.2': 3,
        'Table 2.4': 5 * 2,
        'Table 2.5': 4,
        'Table 2.6': 6 * 3,
        'Table 2.7': 2,
        'Table 2.8': 7,
        'Table 2.9': 7,
    }


def test_rows_are_sorted_and_the_rest_stays(tmp_path):
    write(tmp_path, 'b', 'Table 1.1, row 2', number='3 and 4.25', ours='top-1 49.5 (one seed)')
    write(tmp_path, 'a', 'Table 1.1, row 10')
    write(tmp_path, 'c', 'Table 1.2, row 1; Table 1.1, row 1')
    (tmp_path / 'README.md').write_text(README + '<!-- recipes: Table 1.2 -->\n<!-- end -->\n')
    assert recipe_table.main([str(tmp_path)]) == 0
    lines = (tmp_path / 'README.md').read_text().splitlines()
    assert lines[:2] == ['Text.', '<!-- recipes: Table 1.1 -->']
    assert lines[4:7] == [
        '| 1 | A network of two lines | [c](c.py) | top-1 50.1 | not run |',
        '| 2 | A network of two lines | [b](b.py) | top-1 3 and 4.25 | top-1 49.5 (one seed) |',
        '| 10 | A network of two lines | [a](a.py) | top-1 50.1 | not run |',
    ]
    assert lines[7:9] == ['<!-- end -->', 'More.']
    assert recipe_table.main([str(tmp_path), '--check']) == 0


def test_check_sees_a_changed_number(tmp_path):
    write(tmp_path, 'a')
    (tmp_path / 'README.md').write_text(README)
    recipe_table.main([str(tmp_path)])
    write(tmp_path, 'a', number='50.2')
    with pytest.raises(UserError, match=r'README\.md is out of date: python tools'):
        recipe_table.main([str(tmp_path), '--check'])


def test_errors(tmp_path):
    with pytest.raises(UserError, match=r'README\.md does not exist'):
        recipe_table.main([str(tmp_path)])
    (tmp_path / 'README.md').write_text(README)
    with pytest.raises(UserError, match=r"no config names 'Table 1\.1'"):
        recipe_table.main([str(tmp_path)])
    write(tmp_path, 'a', where='Table 1.3, row 1')
    with pytest.raises(UserError, match=r'no "<!-- recipes: Table 1\.3 -->" in the README'):
        recipe_table.main([str(tmp_path)])
    (tmp_path / 'a.py').write_text('# Text.\n#   command\n_base_ = []\n')
    with pytest.raises(UserError, match=r'a\.py: the header has no "Obtained'):
        recipe_table.main([str(tmp_path)])
    (tmp_path / 'a.py').write_text('# Obtained: not run.\n')
    with pytest.raises(UserError, match=r'a\.py: the header has no command'):
        recipe_table.main([str(tmp_path)])
