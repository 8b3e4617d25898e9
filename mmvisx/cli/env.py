"""Look for what is wrong with this Python environment and say what to type.

Needs the standard library only and nothing of this package, so that ``tools/check_env.py`` can run
this file before anything is installed, and where the package does not import.
Packages are imported in a child process: one that raises, hangs or kills its
interpreter is a row of the table, not the end of this tool.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]  # the checkout, or where packages are installed
OK, INFO, WARN, FAULT = 'ok', 'info', 'warning', 'FAULT'

# First supported version, first unsupported one. The same ranges stand in pyproject.toml.
# torch 2.14 needs C++20, which mmcv's build does not ask for.
RANGES = {
    'torch': ('2.5', '2.14'),
    'torchvision': ('0.20', '0.29'),
    'onedl-mmengine': ('0.10.12', '0.11'),
    'onedl-mmcv': ('2.3.6', '2.4'),
    'onedl-mmdetection': ('3.5.1', '3.6'),
    'onedl-mmsegmentation': ('1.4.2', '1.5'),
    'onedl-mmpretrain': ('1.3.6', '1.4'),
    'numpy': ('2.1', '3'),
    'opencv-python': ('4.8', '5'),
    'torch-pruning': ('1.6.1', '1.7'),
}
# Distributions that own the import names of the onedl-* ones, or that break beside them.
OLD_DISTRIBUTIONS = {
    'mmcv': 'onedl-mmcv',
    'mmcv-full': 'onedl-mmcv',
    'mmcv-lite': 'onedl-mmcv',
    'mmengine': 'onedl-mmengine',
    'mmengine-lite': 'onedl-mmengine',
    'mmdet': 'onedl-mmdetection',
    'mmsegmentation': 'onedl-mmsegmentation',
    'mmpretrain': 'onedl-mmpretrain',
    'mmcls': 'onedl-mmpretrain',
    'mmselfsup': 'onedl-mmpretrain',
}
MODULES = {
    'numpy': 'numpy',
    'cv2': 'opencv-python',
    'scipy': 'scipy',
    'sklearn': 'scikit-learn',
    'matplotlib': 'matplotlib',
    'pycocotools.mask': 'pycocotools',
    'torch': 'torch',
    'torchvision': 'torchvision',
    'torch_pruning': 'torch-pruning',
    'mmengine': 'onedl-mmengine',
    'mmcv': 'onedl-mmcv',
    'mmcv._ext': 'onedl-mmcv',
    'mmdet': 'onedl-mmdetection',
    'mmseg': 'onedl-mmsegmentation',
    'mmvisx': 'mmvisx',
}
CHECKOUT = (ROOT / 'constraints.txt').is_file()
INSTALL = 'pip install -c constraints.txt' if CHECKOUT else 'pip install'
BUILD_TOOLS = f'{INSTALL} setuptools wheel ninja psutil'
CPP17 = '#include <optional>\n#include <Python.h>\nstd::optional<int> x;\n'
MARK = '@@'
# The folder this tool is called from is no part of a real program's search path.
PROBE = """
import importlib, json, sys
sys.path[:] = [p for p in sys.path if p]
def say(**row): print('@@' + json.dumps(row), flush=True)
try:
    import mmvisx  # stands in for mmcv's compiled ops, which mmdet asks for when it is imported
except BaseException:
    pass
for name in {names!r}:
    say(module=name, error='the interpreter died')
    try:
        module = importlib.import_module(name)
        row = dict(module=name, error='', file=str(getattr(module, '__file__', '')))
        row['version'] = str(getattr(module, '__version__', ''))
        if name == 'torch':
            count = module.cuda.device_count()
            row['cuda'] = [module.cuda.get_device_name(i) for i in range(count)]
        if name == 'mmcv._ext':
            row['compiled_cuda'] = str(module.get_compiling_cuda_version())
            row['compiled'] = not hasattr(module, 'STANDS_IN')
    except BaseException as error:
        text = str(error).strip().splitlines() or ['']
        row = dict(module=name, error=type(error).__name__ + ': ' + text[0])
    say(**row)
"""


class Row(NamedTuple):
    """One line of the table; ``fix`` says what to type."""

    item: str
    found: str
    wanted: str
    status: str
    fix: str = ''


def parse_version(text: str) -> tuple[int, ...]:
    """Leading numbers of a version: ``2.13.0+cpu`` gives ``(2, 13, 0)``."""
    match = re.match(r'\d+(?:\.\d+)*', text)
    return tuple(int(part) for part in match.group().split('.')) if match else ()


def in_range(version: str, low: str, high: str) -> bool:
    """Whether ``low <= version < high``."""
    return parse_version(low) <= parse_version(version) < parse_version(high)


def read_versions() -> dict[str, str | None]:
    """Versions of the distributions this tool asks about, None where there is none."""
    from importlib import metadata

    versions: dict[str, str | None] = {}
    for name in {*RANGES, *OLD_DISTRIBUTIONS, *MODULES.values(), 'setuptools'}:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    return versions


def probe_modules(names: list[str], timeout: int = 300) -> dict[str, dict]:
    """Import ``names`` in a child process, in order.

    Returns for each module a dict with ``error`` (empty when it imports), ``version``
    and ``file``; the rest of the list is missing after one that kills the interpreter.
    """
    command = [sys.executable, '-c', PROBE.format(names=list(names))]
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=timeout
        )
        output, ending = done.stdout, f'the interpreter died (exit code {done.returncode})'
    except subprocess.TimeoutExpired as error:
        output, ending = error.stdout or b'', f'no answer in {timeout} s'
    probe: dict[str, dict] = {}
    for line in output.decode(errors='replace').splitlines():
        # A last line without its closing brace was cut off by the death of the child.
        if line.startswith(MARK) and line.endswith('}'):
            row = json.loads(line[len(MARK) :])
            if row['error'] == 'the interpreter died':
                row['error'] = ending
            probe[row['module']] = row
    return probe


def check_python(version: tuple[int, ...]) -> Row:
    """Python's version, first two or three numbers."""
    found = '.'.join(map(str, version[:3]))
    if tuple(version[:2]) < (3, 10):
        fix = 'make PYTHON=python3.11 setup   (any installed Python from 3.10 to 3.12)'
        return Row('Python', found, '>=3.10', FAULT, fix)
    if tuple(version[:2]) > (3, 12):
        return Row('Python', found, '3.10 to 3.12', WARN, 'newer than any tested version')
    return Row('Python', found, '>=3.10', OK)


def check_venv() -> Row:
    """Whether this Python can make a virtual environment with pip in it."""
    try:
        import ensurepip
        import venv

        return Row('venv', f'pip {ensurepip.version()}', venv.__name__, OK)
    except ImportError as error:
        fix = 'install venv, for example: apt-get install python3-venv'
        return Row('venv', f'missing ({error})', 'venv and ensurepip', FAULT, fix)


def try_compiler() -> tuple[str, str]:
    """Name of the C++ compiler and why it cannot build an extension ('' when it can)."""
    compiler = os.environ.get('CXX', 'c++')
    if shutil.which(compiler) is None:
        return compiler, 'missing'
    include = sysconfig.get_paths()['include']
    if not Path(include, 'Python.h').is_file():
        return compiler, f'no Python.h in {include}'
    command = [compiler, '-std=c++17', '-fsyntax-only', f'-I{include}', '-x', 'c++', '-']
    try:
        done = subprocess.run(command, input=CPP17.encode(), capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return compiler, f'does not run ({error})'
    return compiler, 'does not compile C++17' if done.returncode else ''


def check_compiler(compiler: str, problem: str, ops_built: bool) -> Row:
    """The compiler; only a fault while mmcv's ops are still to be built."""
    if not problem:
        return Row('C++ compiler', compiler, 'C++17', OK)
    fix = (
        'install a compiler and the headers of Python, for example: '
        'apt-get install g++ python3-dev   or   conda install cxx-compiler'
    )
    found = f'{compiler}: {problem}'
    return Row('C++ compiler', found, 'C++17 and Python.h', WARN if ops_built else FAULT, fix)


def check_disk(free_bytes: int) -> Row:
    """Room for the environment: 6 GB, and as much again while pip unpacks."""
    found, wanted = f'{free_bytes / 1e9:.0f} GB free', '12 GB'
    if free_bytes < 12e9:
        return Row('disk', found, wanted, WARN, 'make room: the environment takes 6 GB')
    return Row('disk', found, wanted, OK)


def check_setuptools(version: str | None, ops_built: bool) -> Row:
    """setuptools; only a fault while mmcv's ops are still to be built."""
    if version is not None and parse_version(version) >= (80,):
        return Row('setuptools', version, '>=80', OK)
    status = WARN if ops_built else FAULT
    return Row('setuptools', version or 'missing', '>=80', status, BUILD_TOOLS)


def check_old_distributions(versions: dict[str, str | None]) -> list[Row]:
    """Packages of the original OpenMMLab, which share import names with ours."""
    rows = []
    for name, ours in OLD_DISTRIBUTIONS.items():
        if versions.get(name) is not None:
            build = '--no-build-isolation ' if ours == 'onedl-mmcv' else ''
            fix = f'pip uninstall -y {name} && {INSTALL} {build}--no-deps --force-reinstall {ours}'
            rows.append(Row(name, str(versions[name]), f'not beside {ours}', FAULT, fix))
    return rows


def check_package(name: str, versions: dict[str, str | None], probe: dict[str, dict]) -> Row:
    """A distribution's version, and that the modules it brings can be imported."""
    low, high = RANGES.get(name, ('', ''))
    wanted = f'>={low},<{high}' if low else 'installed'
    install = f'{INSTALL} {"--no-build-isolation " if name == "onedl-mmcv" else ""}{name}'
    if name == 'mmvisx':
        install = 'pip install --no-build-isolation --no-deps -e .'
    version = versions.get(name)
    if version is None:
        return Row(name, 'missing', wanted, FAULT, install)
    if low and not in_range(version, low, high):
        return Row(name, version, wanted, FAULT, install)
    for module, owner in MODULES.items():
        # mmcv._ext and torchvision have rows of their own, with better advice.
        if owner != name or module in ('mmcv._ext', 'torchvision'):
            continue
        row = probe.get(module, {'error': 'not tried after the failure above'})
        if row['error']:
            fix = install.replace(name, f'--no-deps --force-reinstall {name}')
            return Row(name, f'{version}, but import {module}: {row["error"]}', wanted, FAULT, fix)
        if name.startswith('onedl-') and row['version'] != version:
            found = f'{version}, but import {module} takes {row["version"]} from {row["file"]}'
            fix = 'take that folder out of PYTHONPATH (or uninstall what put it there)'
            return Row(name, found, wanted, FAULT, fix)
    return Row(name, version, wanted, OK)


def check_torchvision(versions: dict[str, str | None], probe: dict[str, dict]) -> Row:
    """torchvision, which fails on import beside a torch it was not built for."""
    row = check_package('torchvision', versions, probe)
    error = probe.get('torchvision', {'error': 'not tried after the failure above'})['error']
    if row.status == FAULT or not error:
        return row
    found, fix = f'{row.found}, but {error}', f'{INSTALL} --force-reinstall torch torchvision'
    if 'torchvision::nms' in error:
        torch_version = probe.get('torch', {}).get('version', '?')
        found = f'{row.found} does not fit torch {torch_version} ({error})'
        fix += '   (the default build of torch; it runs on CPUs too)'
    return Row('torchvision', found, row.wanted, FAULT, fix)


def check_mmcv_ops(versions: dict[str, str | None], probe: dict[str, dict]) -> Row:
    """The ops of mmcv, compiled or those of torch and torchvision in their place."""
    row = probe.get('mmcv._ext', {'error': 'not tried after the failure above'})
    if not row['error'] and not row.get('compiled', True):
        return Row('mmcv._ext', "torch's and torchvision's", 'any; OPS=compiled builds', OK)
    build = f'{INSTALL} --no-build-isolation'
    if row['error']:
        if versions.get('onedl-mmcv') is not None:
            # pip's cache may hold a wheel without ops, or one for another torch.
            build += ' --no-deps --force-reinstall --no-cache-dir'
        fix = f'{BUILD_TOOLS} && MAX_JOBS={count_cores()} {build} onedl-mmcv   (8 min, 2 cores)'
        return Row('mmcv._ext', row['error'], 'compiled ops', FAULT, fix)
    cuda = row.get('compiled_cuda', 'not available')
    if probe.get('torch', {}).get('cuda') and cuda == 'not available':
        fix = (
            f'FORCE_CUDA=1 {build} --no-deps --force-reinstall --no-cache-dir onedl-mmcv '
            "(needs nvcc)   or, to stay on the CPU:   export CUDA_VISIBLE_DEVICES=''"
        )
        return Row('mmcv._ext', 'ops for the CPU only', 'ops for the GPU', WARN, fix)
    return Row('mmcv._ext', f'CUDA {cuda}', 'compiled ops', OK)


def count_cores() -> int:
    """Cores this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_device(probe: dict[str, dict]) -> Row:
    """What training will run on."""
    devices = probe.get('torch', {}).get('cuda') or ['no CUDA device']
    return Row('device', f'{", ".join(devices)}; {count_cores()} CPU cores', 'any', INFO)


def check_before_setup() -> list[Row]:
    """What must be there before anything is downloaded."""
    rows = [check_python(sys.version_info[:3])]
    if rows[0].status != FAULT:
        rows.append(check_venv())
        if os.environ.get('OPS') == 'compiled':
            rows.append(check_compiler(*try_compiler(), ops_built=False))
        rows += [check_disk(shutil.disk_usage(str(ROOT)).free)]
    return rows


def check_installed() -> list[Row]:
    """The whole environment."""
    rows = [check_python(sys.version_info[:3])]
    if rows[0].status == FAULT:
        return rows
    versions, probe = read_versions(), probe_modules(list(MODULES))
    ops_built = probe.get('mmcv._ext', {'error': 'missing'})['error'] == ''
    if probe.get('mmcv._ext', {}).get('compiled', True):
        rows.append(check_compiler(*try_compiler(), ops_built))
        rows.append(check_setuptools(versions['setuptools'], ops_built))
    rows += [
        *check_old_distributions(versions),
        check_package('torch', versions, probe),
        check_torchvision(versions, probe),
        *(check_package(name, versions, probe) for name in RANGES if name.startswith('onedl-')),
        check_mmcv_ops(versions, probe),
    ]
    others = ['numpy', 'opencv-python', 'pycocotools', 'scipy', 'matplotlib']
    others += ['torch-pruning', 'mmvisx']
    rows += [check_package(name, versions, probe) for name in others]
    return [*rows, check_device(probe)]


def format_rows(rows: list[Row]) -> str:
    """The table, each fault or warning followed by what to type."""
    table = [Row('item', 'found', 'wanted', 'status'), *rows]
    widths = [max(min(len(row[i]), 36) for row in table) for i in range(3)]
    lines = []
    for row in table:
        cells = [row[i].ljust(widths[i]) for i in range(3)]
        lines.append('  '.join([*cells, row.status]))
        if row.fix:
            lines.append(f'    -> {row.fix}')
    return '\n'.join(lines)


def main() -> int:
    """Print the table; the exit code is 1 where there is a fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').split('\n')[0])
    parser.add_argument(
        '--before-setup', action='store_true', help='look only at what set-up itself needs'
    )
    parser.add_argument('--quiet', action='store_true', help='print faults and warnings only')
    args = parser.parse_args()
    rows = check_before_setup() if args.before_setup else check_installed()
    faults = [row for row in rows if row.status == FAULT]
    shown = [row for row in rows if row.status in (WARN, FAULT)] if args.quiet else rows
    if shown:
        print(format_rows(shown))
        if CHECKOUT and any('pip ' in row.fix for row in shown):
            print(f'\n"pip" stands for: {sys.executable} -m pip, called in {ROOT}')
    print(f'environment: {len(faults)} fault(s)' if faults else 'environment: ok', flush=True)
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
