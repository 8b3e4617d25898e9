"""Every command line that README and recipe headers give for training and testing is one."""

import re
import shlex
import sys
from pathlib import Path

from mmvisx.apis.run import prepare_config
from mmvisx.cli import test as test_cli
from mmvisx.cli import train as train_cli
from mmvisx.utils.config.classes import read_classes, set_classes

ROOT = Path(__file__).resolve().parents[2]
COMMAND = re.compile(r'^(?:\w+=\S+ )*(?:python )?tools/(?:dist_)?(train|test)\.(py|sh) (.*)$')


def commands_of(path):
    """Yield ``(tool, is distributed, arguments)`` of the command lines in a file."""
    text = path.read_text(encoding='utf-8')
    if path.suffix == '.py':  # the header is a comment
        text = '\n'.join(line[1:] for line in text.splitlines() if line.startswith('#'))
    for line in re.sub(r'\\\n', ' ', text).splitlines():
        match = COMMAND.match(line.strip())
        if match is not None:
            arguments = re.sub(r'\s+\(.*\)$', '', match[3])  # a remark behind it
            yield match[1], match[2] == 'sh', shlex.split(arguments)


COMMANDS = [
    (path.relative_to(ROOT), *command)
    for path in [ROOT / 'README.md', *sorted((ROOT / 'configs').rglob('*.py'))]
    for command in commands_of(path)
]


def recipe_of(argument):
    """The recipe that a command names, itself or as its copy in a work dir."""
    if not argument.startswith('work_dirs/'):
        return ROOT / argument
    (path,) = (ROOT / 'configs').rglob(Path(argument).name)
    return path


def read(tool, arguments, monkeypatch):
    """Parse a command line as the tool does."""
    monkeypatch.setattr(sys, 'argv', [tool, *arguments])
    return {'train': train_cli, 'test': test_cli}[tool].parse_args()


def test_there_are_commands_in_most_recipes():
    recipes = [p for p in (ROOT / 'configs').rglob('*.py') if '_base_' not in p.parts]
    named = {path for path, *_ in COMMANDS}
    assert Path('README.md') in named
    assert len(named) > 0.8 * len(recipes)


def test_commands_name_their_recipe_and_options_that_are_there(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    for path, tool, distributed, given in COMMANDS:
        arguments = list(given)
        if distributed:  # CONFIG [CHECKPOINT] PROCESSES and what the tool takes
            count = 1 if tool == 'train' else 2
            assert int(arguments.pop(count)) > 0, path
        args = read(tool, arguments, monkeypatch)
        recipe = recipe_of(args.config)
        assert recipe.is_file(), f'{path}: {args.config}'
        if args.cfg_options or args.classes:
            cfg = prepare_config(recipe, tmp_path, args.cfg_options)
            names = [n for n in args.classes or () if not n.startswith('data/')]
            if names:
                set_classes(cfg, read_classes(names))


def test_recipes_name_themselves():
    named = {}
    for path, *_, arguments in COMMANDS:
        named.setdefault(path, set()).add(recipe_of(arguments[0]))
    strangers = [
        str(path)
        for path, recipes in named.items()
        if path.parts[0] == 'configs'
        and path.parts[1] not in ('_base_', '_series_')
        and ROOT / path not in recipes
    ]
    assert not strangers


def test_what_counts_as_a_command(tmp_path):
    (tmp_path / 'recipe.py').write_text(
        """# Text, then
#   python tools/train.py configs/a.py --classes one \\
#       two
#   tools/dist_test.sh configs/a.py b.pth 8 --tta   (one GPU; or more)
# and tools/train.py in a sentence.
x = 'tools/train.py no.py'
"""
    )
    assert list(commands_of(tmp_path / 'recipe.py')) == [
        ('train', False, ['configs/a.py', '--classes', 'one', 'two']),
        ('test', True, ['configs/a.py', 'b.pth', '8', '--tta']),
    ]
