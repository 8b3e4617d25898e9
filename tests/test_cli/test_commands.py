"""The command mmvisx: its table, its help, near misses, exit codes, the old names of its tools."""

import re
import resource
import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name

import pytest

from mmvisx.cli import commands
from mmvisx.cli.commands import COMMANDS, main
from mmvisx.utils import UserError
from mmvisx.utils.recipes import find_config

SLOW = ('torch', 'numpy', 'mmengine', 'mmcv', 'mmdet', 'cv2', 'matplotlib', 'scipy', 'argcomplete')
RUNNING = [name for name, command in COMMANDS.items() if command.module]


def call(monkeypatch, line):
    monkeypatch.setattr(sys, 'argv', ['mmvisx', *line.split()])
    return main()


def run(*words, cwd=None):
    """The finished process of a command line."""
    command = [sys.executable, '-m', 'mmvisx.cli', *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


def test_every_tool_has_a_command(repo):
    folder = repo / 'mmvisx/cli'
    mains = {
        path.relative_to(folder).with_suffix('').as_posix()
        for path in folder.rglob('*.py')
        if '\ndef main(' in path.read_text()
    } - {'commands'}
    # The main of demo/teach_demo.py is that of mmvisx few-shot teach.
    assert mains == set(commands.PATHS) - {'demo/teach_demo'}


def test_script_is_the_table(repo):
    text = (repo / 'pyproject.toml').read_text()
    (line,) = text.split('[project.scripts]\n')[1].split('\n\n')[0].splitlines()
    name, target = line.split(' = ')
    assert name == 'mmvisx'
    assert resolve_name(target.strip('"')) is commands.run


def test_help_of_everything_imports_no_library():
    code = f"""
import sys
from mmvisx.cli.commands import COMMANDS, main
for name in ['', *COMMANDS]:
    sys.argv = ['mmvisx', *name.split(), '--help']
    try:
        assert main() == 0
    except SystemExit as end:
        assert end.code == 0
    found = [module for module in {SLOW} if module in sys.modules]
    assert not found, (name, found)
print('no library')
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.stdout.endswith('no library\n'), done.stderr
    for name in RUNNING:
        assert f'usage: mmvisx {name} [-h]' in done.stdout
        assert f'  {name.split()[-1]}  ' in done.stdout


def test_help_takes_less_than_a_third_of_a_second():
    def seconds():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = seconds()
    assert run('--help').returncode == 0
    assert seconds() - before < 0.3


@pytest.mark.parametrize(
    ('line', 'word', 'meant'),
    [
        ('trian configs/x.py', 'trian', 'train'),
        ('analyze elephant', 'analyze', 'analyse'),
        ('analyse elefant', 'elefant', 'elephant'),
        ('elephant', 'elephant', 'analyse elephant'),
        ('dataset make-shape', 'make-shape', 'make-shapes'),
    ],
)
def test_near_miss_is_named(monkeypatch, line, word, meant):
    with pytest.raises(
        UserError, match=rf'^no command {word!r} \(did you mean {meant}[,?].*--help'
    ):
        call(monkeypatch, line)


def test_nothing_near_is_one_line_and_exit_code_1():
    done = run('xyzzy')
    assert done.returncode == 1
    assert done.stderr == "error: no command 'xyzzy'; mmvisx --help lists all\n"
    assert done.stdout == ''


def test_no_command_shows_the_help_and_fails(monkeypatch, capsys):
    assert call(monkeypatch, '') == 1
    assert '  train ' in capsys.readouterr().out
    assert call(monkeypatch, 'analyse') == 1
    assert '  elephant ' in capsys.readouterr().out


@pytest.mark.parametrize('name', ['dataset digits-to-folder', 'datasets/digits_to_folder'])
def test_arguments_reach_the_tool_and_its_words_the_screen(monkeypatch, capsys, tmp_path, name):
    assert not call(monkeypatch, f'{name} --out {tmp_path / "digits"}')
    assert len(list((tmp_path / 'digits/train').iterdir())) == 10
    assert str(tmp_path) in capsys.readouterr().out


def test_users_mistake_and_wrong_option_have_their_exit_codes(tmp_path):
    done = run('train', 'detectors/htc_rfp_sack', cwd=tmp_path)
    assert done.returncode == 1
    assert 'Traceback' not in done.stderr
    assert 'detectors/htc_rfp_sac' in done.stderr.partition('did you mean')[2]
    done = run('analyse', 'plot-log', '--kyes', 'loss')
    assert done.returncode == 2
    assert 'usage: mmvisx analyse plot-log' in done.stderr


@pytest.mark.parametrize('words', ['dataset make_shapes', 'dataset make-shapes'])
def test_underscores_are_as_good(words):
    assert commands.split([*words.split(), '--out', 'x']) == (
        'dataset make-shapes', ['--out', 'x']
    )  # fmt: skip


def test_old_names_run_the_same_modules(repo):
    tools = {
        path.relative_to(repo / top).with_suffix('').as_posix(): path
        for top in ('tools', 'demo')
        for path in (repo / top).rglob('*.py')
        if 'from mmvisx.cli.' in path.read_text()
    }
    assert len(tools) > 25
    for name, path in tools.items():
        old = name if path.parent.name != 'demo' else f'demo/{name}'
        found, rest = commands.split([old, 'x'])
        module = path.read_text().split('from mmvisx.cli.')[1].split(' ')[0]
        assert rest == ['x']
        # image_demo takes every model that seg_demo takes, and its options.
        assert COMMANDS[found].module in (module, module.replace('seg_demo', 'image_demo'))


def test_list_names_recipes_by_their_words(capsys, monkeypatch):
    assert call(monkeypatch, 'list 6-II, DETECTORS/') == 0
    lines = capsys.readouterr().out.splitlines()
    rows = ['htc', 'htc_rfp', 'htc_rfp_sac', 'htc_sac']  # of the table
    assert [line.split()[0] for line in lines] == [f'detectors/{row}' for row in rows]
    assert 'HTC + RFP, ResNet-50, COCO, 12 epochs' in lines[1]
    with pytest.raises(SystemExit) as end:
        call(monkeypatch, 'train --list 6-II, DETECTORS/')
    assert end.value.code == 0
    assert capsys.readouterr().out.splitlines() == lines


def test_list_of_nothing_fails(capsys, monkeypatch):
    assert call(monkeypatch, 'list no-such-word gunn') == 1
    assert capsys.readouterr().err == 'no recipe has no-such-word and gunn in its name or header\n'


def test_defaults_in_the_help_are_those_of_the_classes(capsys, monkeypatch):
    from mmvisx.datasets.shapes.crops import CropsConfig
    from mmvisx.datasets.shapes.write import ShapesConfig

    for tool, config in (('make-shapes', ShapesConfig()), ('make-shapes-crops', CropsConfig())):
        with pytest.raises(SystemExit):
            call(monkeypatch, f'dataset {tool} --help')
        text = ' '.join(capsys.readouterr().out.split())
        for name in ('train', 'val', 'size'):
            stated = text.partition(f' --{name} {name.upper()} ')[2].partition(' --')[0]
            assert stated.endswith(f'; {getattr(config, name)}'), (tool, name)


def test_demo_finds_its_recipe_from_anywhere(monkeypatch, tmp_path):
    from mmvisx.cli.demo.run_demo import CONFIG

    monkeypatch.chdir(tmp_path)
    assert find_config(CONFIG).name == Path(CONFIG).name


def test_lines_of_the_readme_are_commands(repo):
    text = (repo / 'README.md').read_text()
    lines = re.findall(r'^mmvisx (.+?)(?:\s+#.*)?$', text, re.M)
    assert len(lines) > 5
    for line in lines:
        name, rest = commands.split(line.split())
        assert COMMANDS[name].module, line
        recipes = [word for word in rest if word.startswith('detectors/')]
        assert all(find_config(word) for word in recipes)
