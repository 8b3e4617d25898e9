"""What a shell gets to complete a line of mmvisx with."""

import os
import shlex
import shutil
import subprocess
import sys

import pytest

from mmvisx.utils.recipes import recipe_names


@pytest.fixture
def script(tmp_path, repo):
    """A folder with the script that pip makes of the entry point."""
    path = tmp_path / 'bin' / 'mmvisx'
    path.parent.mkdir()
    path.write_text(f'#!{sys.executable}\nfrom mmvisx.cli.commands import run\nrun()\n')
    path.chmod(0o755)
    return {
        **os.environ,
        'PATH': f'{path.parent}{os.pathsep}{os.environ["PATH"]}',
        'PYTHONPATH': str(repo),
    }


def complete(line, env, cwd, shell='bash'):
    """The words that the end of a line may become."""
    answer = cwd / 'answer'
    answer.unlink(missing_ok=True)
    asked = {
        '_ARGCOMPLETE': '1', '_ARGCOMPLETE_SHELL': shell, '_ARGCOMPLETE_IFS': '\n',
        '_ARGCOMPLETE_STDOUT_FILENAME': str(answer), '_ARGCOMPLETE_SUPPRESS_SPACE': '1',
        'COMP_LINE': line, 'COMP_POINT': str(len(line)),
    }  # fmt: skip
    done = subprocess.run(['mmvisx'], env={**env, **asked}, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ''
    return answer.read_text().split('\n')


def test_commands_and_those_of_a_group(script, tmp_path):
    assert complete('mmvisx tr', script, tmp_path) == ['train']
    assert set(complete('mmvisx e', script, tmp_path)) == {'export', 'env'}
    assert set(complete('mmvisx analyse plot', script, tmp_path)) == {'plot-log', 'plot-lr'}


def test_recipes_and_own_files(script, tmp_path):
    (tmp_path / 'detectors_mine.py').write_text('')
    (tmp_path / 'detectors.txt').write_text('')
    found = complete('mmvisx train detec', script, tmp_path)
    recipes = {name for name in recipe_names() if name.startswith('detec')}
    assert len(recipes) > 30
    assert set(found) == recipes | {'detectors_mine.py'}
    named = complete('mmvisx analyse show-filters gunn/wide', script, tmp_path)
    assert named == ['gunn/wide_gunn18_90e_imagenet']


def test_options_of_a_command_and_their_values(script, tmp_path):
    assert complete('mmvisx train x.py --res', script, tmp_path) == ['--resume']
    line = 'mmvisx browse x.py --split '
    assert set(complete(line, script, tmp_path)) == {'train', 'val', 'test'}
    assert complete('mmvisx env --qu', script, tmp_path) == ['--quiet']


def test_nothing_runs_while_it_is_typed(script, tmp_path):
    complete('mmvisx dataset make-shapes ', script, tmp_path)
    complete('mmvisx dataset digits-to-folder --out made ', script, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {'bin', 'answer'}


@pytest.mark.parametrize('shell', ['bash', 'zsh', 'fish'])
def test_code_for_each_shell_is_read_by_it(script, tmp_path, shell):
    done = subprocess.run(
        ['mmvisx', 'completion', shell], env=script, capture_output=True, text=True, check=True
    )
    assert 'mmvisx' in done.stdout
    if shutil.which(shell):
        subprocess.run([shell, '-n'], input=done.stdout, text=True, check=True)


def test_bash_completes(script, tmp_path):
    line = 'mmvisx train detectors/htc_rfp_sac_x101_64'
    code = f"""
eval "$(mmvisx completion bash)"
complete -p mmvisx
COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)} COMP_TYPE=9 _python_argcomplete mmvisx
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ['bash', '-c', code], env=script, cwd=tmp_path, capture_output=True, text=True
    )
    first, *rest = done.stdout.splitlines()
    assert first.endswith('-F _python_argcomplete mmvisx')
    assert [word.strip() for word in rest] == ['detectors/htc_rfp_sac_x101_64x4d_ms_40e']
