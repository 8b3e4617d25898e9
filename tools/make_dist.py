"""Build the sdist and the wheel of the last commit into ``dist/``, and check them.

``make dist`` calls it. What is not committed is left out. The wheel is built from the sdist and
must hold the same as one built from the commit; version, changelog and tags must agree; the
differences of the API to the last tag are listed.
"""

from __future__ import annotations

import argparse
import ast
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from mmvisx.utils import UserError, run_cli

if TYPE_CHECKING:
    import griffe

ROOT = Path(__file__).resolve().parents[1]
UNRELEASED = 'Unreleased'


def call(command: list[str], cwd: Path, env: dict[str, str] | None = None) -> bytes:
    """Run a program and return its output.

    Raises:
        UserError: It failed; the message has what it said.
    """
    done = subprocess.run(command, cwd=cwd, capture_output=True, env={**os.environ, **(env or {})})
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors='replace')
        raise UserError(f'{" ".join(command)} failed:\n{said}')
    return done.stdout


def numbers(version: str) -> tuple[int, ...]:
    """``'0.1.0'`` or ``'v0.1.0'`` as ``(0, 1, 0)``."""
    return tuple(int(part) for part in version.removeprefix('v').split('.'))


def version_faults(version: str, changelog: str, tags: list[str], head_tags: list[str]) -> str:
    """Return in what version, changelog and tags disagree, '' where they agree.

    Args:
        version: Of the package.
        changelog: Its text, with a heading ``## [version]`` for each, the newest first.
        tags: ``v`` and a version, those of all commits up to the last one.
        head_tags: Those of the last commit.
    """
    headings = re.findall(r'^## \[(.+?)\]', changelog, re.M)
    released = [heading for heading in headings if heading != UNRELEASED]
    without = [tag for tag in tags if tag.removeprefix('v') not in released]
    # A version that is about to be released has its heading before it has its tag.
    untagged = [heading for heading in released if f'v{heading}' not in tags and tags]
    if UNRELEASED in headings[1:] or released != sorted(released, key=numbers, reverse=True):
        return f'the headings of CHANGELOG.md are not in order, newest first: {headings}'
    if headings[0] != UNRELEASED and headings[0] != version:
        return f'the newest heading of CHANGELOG.md is {headings[0]}, the version {version}'
    if headings[0] == UNRELEASED and released and numbers(version) < numbers(released[0]):
        return f'the version {version} is older than {released[0]}, which CHANGELOG.md has released'
    if without:
        return f'CHANGELOG.md has no heading for the tags {without}'
    if untagged[1:] or (untagged and untagged[0] != headings[0]):
        return f'CHANGELOG.md has released {untagged}, which have no tag'
    if head_tags and f'v{version}' not in head_tags:
        return f'this commit has the tag {head_tags[0]}, the version is {version}'
    if head_tags and headings[0] == UNRELEASED:
        return f'this commit has the tag {head_tags[0]}, CHANGELOG.md begins with {UNRELEASED}'
    return ''


def tags_of(root: Path, *options: str) -> list[str]:
    """Return the versions' tags of a repository, newest first."""
    said = call(['git', 'tag', '--list', 'v[0-9]*', *options], root).decode()
    return sorted(said.split(), key=numbers, reverse=True)


def read_version(root: Path) -> str:
    """Return the version of the package in a checkout, without importing it."""
    text = (root / 'mmvisx/version.py').read_text(encoding='utf-8')
    return str(ast.literal_eval(text.partition('__version__ = ')[2].strip()))


def check_version(root: Path) -> None:
    """Compare version, changelog and tags of a checkout.

    Raises:
        UserError: They disagree.
    """
    changelog = (root / 'CHANGELOG.md').read_text(encoding='utf-8')
    tags, head = tags_of(root, '--merged', 'HEAD'), tags_of(root, '--points-at', 'HEAD')
    fault = version_faults(read_version(root), changelog, tags, head)
    if fault:
        raise UserError(fault)


def differences(first: Path, second: Path) -> list[str]:
    """Return the members that only one of two zip files has, or whose bytes differ."""
    with zipfile.ZipFile(first) as a, zipfile.ZipFile(second) as b:
        names, others = set(a.namelist()), set(b.namelist())
        return sorted(names ^ others) + sorted(
            name for name in names & others if a.read(name) != b.read(name)
        )


def build(source: Path, target: Path, kind: str, epoch: str) -> Path:
    """Build ``'sdist'`` or ``'wheel'`` of a folder with this environment's tools.

    Args:
        source: Holds ``pyproject.toml``.
        target: Where to write.
        kind: What.
        epoch: The time that the members get, in seconds since 1970.
    """
    command = [sys.executable, '-m', 'build', f'--{kind}', '--no-isolation', '-o', str(target)]
    call([*command, str(source)], source, {'SOURCE_DATE_EPOCH': epoch})
    (made,) = target.glob('*.tar.gz' if kind == 'sdist' else '*.whl')
    return made


def build_both(root: Path, target: Path) -> tuple[Path, Path]:
    """Build the sdist of the last commit, and of that the wheel, into an empty folder.

    Raises:
        UserError: A build fails, or the commit's own wheel is another.
    """
    epoch = call(['git', 'log', '-1', '--format=%ct'], root).decode().strip()
    with tempfile.TemporaryDirectory() as name:
        commit, unpacked, direct = (Path(name, part) for part in ('commit', 'sdist', 'wheel'))
        with tarfile.open(fileobj=io.BytesIO(call(['git', 'archive', 'HEAD'], root))) as file:
            file.extractall(commit, filter='data')
        sdist = build(commit, target, 'sdist', epoch)
        other = build(commit, direct, 'wheel', epoch)
        with tarfile.open(sdist) as file:
            file.extractall(unpacked, filter='data')
        (source,) = unpacked.iterdir()
        wheel = build(source, target, 'wheel', epoch)
        differ = differences(wheel, other)
    if differ:
        raise UserError(f'the wheel of the sdist differs from that of the commit in {differ}')
    return sdist, wheel


def public_names(package: griffe.Object | griffe.Alias) -> set[str]:
    """Return the paths of all public classes, functions and attributes below a module."""
    names = set()
    for member in package.members.values():
        if not member.is_alias and member.is_public:
            names.add(member.path)
            names |= public_names(member)
    return names


def api_changes(root: Path, tag: str) -> list[str]:
    """Return a line for each difference between the API at a tag and that of the last commit."""
    import griffe

    old, new = (
        griffe.load_git('mmvisx', ref=ref, repo=root, resolve_aliases=False)
        for ref in (tag, 'HEAD')
    )
    broken = [change.explain() for change in griffe.find_breaking_changes(old, new)]
    added = sorted(public_names(new) - public_names(old))
    lines = sorted(re.sub(r'\x1b\[\d*m', '', line) for line in broken)  # without colours
    return lines + [f'{name}: was added' for name in added]


def main(args: list[str] | None = None) -> int:
    """Build, check and say what was built."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out-dir', type=Path, default=ROOT / 'dist', help='emptied before')
    options = parser.parse_args(args)
    if call(['git', 'status', '--porcelain'], ROOT):
        print('there are changes that are not committed; they are left out')
    check_version(ROOT)
    shutil.rmtree(options.out_dir, ignore_errors=True)
    built = build_both(ROOT, options.out_dir.resolve())
    print('the wheel of the sdist is the wheel of the commit')
    call([sys.executable, '-m', 'twine', 'check', '--strict', *map(str, built)], ROOT)
    print('twine check --strict: passed')
    tag = next(iter(tags_of(ROOT, '--merged', 'HEAD', '--no-contains', 'HEAD')), None)
    lines = api_changes(ROOT, tag) if tag else ['no tag yet']
    print(f'API, compared with {tag or "the last tag"}:')
    print(''.join(f'  {line}\n' for line in lines or ['no difference']), end='')
    for path in built:
        print(f'{path} ({path.stat().st_size / 2**20:.2f} MiB)')
    return 0


if __name__ == '__main__':
    run_cli(main)
