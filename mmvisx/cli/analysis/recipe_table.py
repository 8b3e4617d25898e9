"""Fill the tables of a recipe folder's README.md from the headers of its configs.

Example: python tools/analysis/recipe_table.py configs/bag_of_tricks

Between the lines `<!-- recipes: Table 2.4 -->` and `<!-- end -->` come the configs whose header
says "Expected: ... (Table 2.4, row 1). Obtained: ..."; `<!-- recipes: others -->` takes those that
are in no table.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

from mmvisx.utils import UserError
from mmvisx.utils.files import write_text

EXPECTED = re.compile(r'Expected: (?P<numbers>[^(]+) \((?P<where>[^)]+)\)')
OBTAINED = re.compile(r'Obtained: (?P<ours>.+?)\.(?=\s|$)')
BLOCK = re.compile(r'(<!-- recipes: (?P<table>.+?) -->\n)(?P<rows>.*?)(<!-- end -->)', re.DOTALL)
OTHERS = 'others'


@dataclass(frozen=True)
class Recipe:
    """What the header of a config says.

    Attributes:
        name: File name without the ending.
        title: What stands in front of the command.
        expected: The document's numbers.
        obtained: Ours, or "not run".
        places: Tables and rows of the document, as ``('Table 2.4', 'row 1')``.
    """

    name: str
    title: str
    expected: str
    obtained: str
    places: tuple[tuple[str, str], ...]


def read_recipe(path: Path) -> Recipe:
    """Read a config's header.

    Raises:
        UserError: It has no command or does not say what was obtained.
    """
    lines = []
    for line in path.read_text(encoding='utf-8').splitlines():
        if not line.startswith('#'):
            break
        lines.append(line.removeprefix('#'))
    commands = [number for number, line in enumerate(lines) if line.startswith('   ')]
    if not commands:
        raise UserError(f'{path}: the header has no command (a line that begins with "#   ")')
    text = ' '.join(line.strip() for line in lines)
    obtained, expected = OBTAINED.search(text), EXPECTED.search(text)
    if obtained is None:
        raise UserError(f'{path}: the header has no "Obtained: ..." that ends with a full stop')
    places = []
    for place in expected['where'].split('; ') if expected else ():
        table, _, row = place.partition(', ')
        if row:
            places.append((table, row))
    title = ' '.join(line.strip() for line in lines[: commands[0]]).rstrip('.')
    numbers = expected['numbers'] if expected else ''
    return Recipe(path.stem, title, numbers, obtained['ours'], tuple(places))


def rows_of(recipes: list[Recipe], table: str) -> str:
    """Return the rows of one table in Markdown."""
    rows = []
    for recipe in recipes:
        if table == OTHERS and not recipe.places:
            rows.append(('', recipe))
        rows += [(row, recipe) for place, row in recipe.places if place == table]
    if not rows:
        raise UserError(f'no config names {table!r}')

    def order(item: tuple[str, Recipe]) -> tuple:
        # "row 2, batch 1024" stands below all rows of batch 256.
        numbers = [int(number) for number in re.findall(r'\d+', item[0])]
        return (*reversed(numbers), item[1].name)

    text = '| row | recipe | config | document | ours |\n| --- | --- | --- | --- | --- |\n'
    for row, recipe in sorted(rows, key=order):
        link = f'[{recipe.name}]({recipe.name}.py)'
        row = row.removeprefix('row ')
        text += f'| {row} | {recipe.title} | {link} | {recipe.expected} | {recipe.obtained} |\n'
    return text


def fill(text: str, recipes: list[Recipe]) -> str:
    """Return a README's text with its tables filled.

    Raises:
        UserError: There is no place for a recipe, or no recipe for a place.
    """
    tables = {match['table'] for match in BLOCK.finditer(text)}
    named = {table for recipe in recipes for table, _ in recipe.places}
    if any(not recipe.places for recipe in recipes):
        named.add(OTHERS)
    if named - tables:
        raise UserError(f'no "<!-- recipes: {sorted(named - tables)[0]} -->" in the README')
    return BLOCK.sub(lambda m: f'{m[1]}{rows_of(recipes, m["table"])}{m[4]}', text)


def main(args: list[str] | None = None) -> int:
    """Write the README, or only compare it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', type=Path, help='folder with configs and a README.md')
    parser.add_argument('--check', action='store_true', help='fail if README.md is out of date')
    options = parser.parse_args(args)
    readme = options.folder / 'README.md'
    if not readme.is_file():
        raise UserError(f'{readme} does not exist')
    before = readme.read_text(encoding='utf-8')
    after = fill(before, [read_recipe(path) for path in sorted(options.folder.glob('*.py'))])
    if options.check and before != after:
        raise UserError(
            f'{readme} is out of date: python tools/analysis/recipe_table.py {options.folder}'
        )
    write_text(readme, after)
    return 0
