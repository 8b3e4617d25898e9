"""What tools/make_dist.py checks; each fault is found."""

import re
import subprocess
import tarfile
import zipfile

import pytest

from mmvisx.utils import UserError
from tools import make_dist
from tools.make_dist import api_changes, differences, version_faults

LOG = '# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-05-01\n\n## [0.1.0] - 2026-02-01\n'
RELEASED = LOG.replace('## [Unreleased]\n\n', '')


def git(folder, *words):
    name = ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'commit.gpgsign=false']
    done = subprocess.run(['git', *name, *words], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode()


@pytest.mark.parametrize(
    ('version', 'log', 'tags', 'head'),
    [
        ('0.1.0', '## [Unreleased]\n', [], []),
        ('0.2.0', LOG, ['v0.2.0', 'v0.1.0'], []),
        ('0.10.0', LOG, ['v0.2.0', 'v0.1.0'], []),
        ('0.2.0', RELEASED, ['v0.1.0'], []),  # about to be tagged
        ('0.2.0', RELEASED, ['v0.2.0', 'v0.1.0'], ['v0.2.0']),
        ('0.2.0', RELEASED, [], []),  # a clone without tags
    ],
)
def test_versions_agree(version, log, tags, head):
    assert version_faults(version, log, tags, head) == ''


@pytest.mark.parametrize(
    ('version', 'log', 'tags', 'head', 'fault'),
    [
        ('0.3.0', RELEASED, ['v0.1.0'], [], 'is 0.2.0, the version 0.3.0'),
        ('0.1.9', LOG, ['v0.2.0', 'v0.1.0'], [], 'older than 0.2.0'),
        ('0.2.0', LOG, ['v0.3.0', 'v0.2.0', 'v0.1.0'], [], r"no heading for the tags \['v0.3.0'\]"),
        ('0.2.0', RELEASED, ['v0.2.0'], [], r"released \['0.1.0'\], which have no tag"),
        ('0.2.0', LOG, ['v0.1.0'], [], r"released \['0.2.0'\], which have no tag"),
        ('0.3.0', LOG, ['v0.2.0', 'v0.1.0'], ['v0.2.0'], 'tag v0.2.0, the version is 0.3.0'),
        ('0.2.0', LOG, ['v0.2.0', 'v0.1.0'], ['v0.2.0'], 'begins with Unreleased'),
        ('0.2.0', '## [0.1.0]\n## [0.2.0]\n', [], [], 'not in order'),
        ('0.2.0', '## [0.2.0]\n## [Unreleased]\n', [], [], 'not in order'),
    ],
)
def test_versions_that_disagree(version, log, tags, head, fault):
    assert re.search(fault, version_faults(version, log, tags, head))


def test_versions_of_this_checkout(repo):
    make_dist.check_version(repo)
    from mmvisx import __version__

    assert make_dist.read_version(repo) == __version__


def test_differences_of_wheels(tmp_path):
    wheels = {'a': dict(same='x', bytes='1', lost='l'), 'b': dict(same='x', bytes='2', new='n')}
    for name, members in wheels.items():
        with zipfile.ZipFile(tmp_path / name, 'w') as file:
            for member, text in members.items():
                file.writestr(member, text)
    assert differences(tmp_path / 'a', tmp_path / 'b') == ['lost', 'new', 'bytes']
    assert differences(tmp_path / 'a', tmp_path / 'a') == []


def test_differences_of_the_api(tmp_path):
    pytest.importorskip('griffe')
    module = tmp_path / 'mmvisx/__init__.py'
    module.parent.mkdir()
    git(tmp_path, 'init', '-q')
    before = 'def kept(x): ...\ndef changed(x, y): ...\ndef gone(): ...\ndef _own(): ...\n'
    after = 'def kept(x): ...\ndef changed(x): ...\ndef born(): ...\n'
    for text, tag in ((before, 'v0.1.0'), (after, 'v0.2.0')):
        module.write_text(text)
        git(tmp_path, 'add', '.')
        git(tmp_path, 'commit', '-qm', tag)
        git(tmp_path, 'tag', tag)
    lines = api_changes(tmp_path, 'v0.1.0')
    assert [line.rpartition('/__init__.py:')[2] for line in lines] == [
        '0: gone: Public object was removed',
        '2: changed(y): Parameter was removed',
        'mmvisx.born: was added',
    ]
    assert api_changes(tmp_path, 'v0.2.0') == []


@pytest.fixture
def clone(repo, tmp_path, monkeypatch):
    """A copy of the last commit with a history of its own."""
    target = tmp_path / 'clone'
    git(repo, 'clone', '-q', '--no-tags', str(repo), str(target))
    monkeypatch.setattr(make_dist, 'ROOT', target)
    return target


@pytest.mark.slow
def test_release_is_complete(clone, tmp_path, capsys):
    for name in ('build', 'twine', 'griffe'):
        pytest.importorskip(name)
    (clone / 'mmvisx/not_committed.py').write_text('')
    assert make_dist.main(['--out-dir', str(tmp_path / 'dist')]) == 0
    said = capsys.readouterr().out
    for line in ('left out', 'wheel of the sdist is the wheel of', 'strict: passed', 'no tag yet'):
        assert line in said
    recipes = git(clone, 'ls-files', 'configs/*.py').split()
    wanted = {f'mmvisx/.mim/{name}' for name in recipes}
    wanted |= {'mmvisx/py.typed', 'mmvisx/.mim/CITATION.cff'}
    assert len(wanted) > 250
    (sdist,), (wheel,) = ((tmp_path / 'dist').glob(end) for end in ('*.tar.gz', '*.whl'))
    with tarfile.open(sdist) as file:
        files = {m.name.partition('/')[2]: m for m in file.getmembers() if m.isfile()}
        assert not wanted - set(files)
        for name in ('LICENSE', 'CITATION.cff', 'CHANGELOG.md'):
            assert file.extractfile(files[name]).read() == (clone / name).read_bytes()
        assert not any(member.issym() for member in file.getmembers())
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    assert not wanted - set(names)
    assert any(name.endswith('dist-info/licenses/LICENSE') for name in names)
    assert not any('not_committed' in name for name in [*names, *files])


@pytest.mark.slow
def test_what_the_sdist_lacks_is_named(clone, tmp_path):
    pytest.importorskip('build')
    with (clone / 'MANIFEST.in').open('a') as file:
        file.write('exclude mmvisx/.mim/model-index.yml\n')
    git(clone, 'commit', '-qam', 'lose a file')
    with pytest.raises(UserError, match=r'differs from .* in \[.*model-index.yml'):
        make_dist.main(['--out-dir', str(tmp_path / 'dist')])


@pytest.mark.slow
def test_tags_that_disagree_end_it(clone, tmp_path):
    git(clone, 'tag', 'v9.0.0')
    with pytest.raises(UserError, match=r'v9\.0\.0'):
        make_dist.main(['--out-dir', str(tmp_path / 'dist')])
    assert not (tmp_path / 'dist').exists()


def test_tags_need_git(tmp_path):
    with pytest.raises(UserError, match='git tag'):
        make_dist.tags_of(tmp_path)
