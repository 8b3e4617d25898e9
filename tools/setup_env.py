"""Make ``.venv``: the tested versions, mmcv, this package editable.

mmcv's ops are built from source where the environment says ``OPS=compiled``, or where there is
a CUDA GPU and nvcc. Elsewhere those of torch and torchvision take their place, and no compiler
is needed.

Called by ``make``. Continues where an interrupted call stopped; when nothing has
changed since the last complete call it only checks the environment. Needs the
standard library only.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / '.venv'
PYTHON = VENV / 'bin' / 'python'
LOG = VENV / 'setup.log'
STAMP = VENV / 'setup.json'
# Sourced by the Makefile: settings without which this environment does not work.
ENV_FILE = VENV / 'setup.env'
PIP = [str(PYTHON), '-m', 'pip', 'install', '--disable-pip-version-check', '-c', 'constraints.txt']
# Runs one op, because ops built for another torch may import and still not run.
OPS_PROBE = """
import json, torch
from importlib.util import find_spec
if find_spec('mmcv._ext') is None:
    print(json.dumps(dict(torch='', cuda=False)))
else:
    import mmcv._ext
    from mmcv.ops import nms
    nms(torch.tensor([[0., 0., 9., 9.]]), torch.tensor([1.]), 0.5)
    cuda = mmcv._ext.get_compiling_cuda_version()
    print(json.dumps(dict(torch=torch.__version__, cuda=cuda != 'not available')))
"""
HEARTBEAT_S = 20
FRESH = ['--no-deps', '--force-reinstall']


class SetupError(RuntimeError):
    """Set-up cannot go on; the message says what to do."""


def condense(line: str) -> tuple[str, int, int]:
    """A line of pip's or ninja's output as (short text, steps done, steps in all).

    The text is empty where there is nothing to show; both counts are 0 where the
    line counts nothing.
    """
    step = re.match(r'\s*\[(\d+)/(\d+)\]', line)
    if step:
        done, total = int(step.group(1)), int(step.group(2))
        return f'compiled {done}/{total}', done, total
    word = re.match(r'\s*(Collecting|Downloading|Building|Installing) (.*)', line)
    if word:
        return f'{word.group(1)} {word.group(2)[:60].strip()}', 0, 0
    return '', 0, 0


def format_time(seconds: float) -> str:
    """Minutes and seconds."""
    return f'{int(seconds) // 60}:{int(seconds) % 60:02d}'


def run_step(title: str, command: list[str], env: dict[str, str] | None = None) -> None:
    """Run ``command``, its output into the log, one line of progress on the terminal.

    Raises:
        SetupError: the command failed; the message ends with the tail of its output.
    """
    start = time.monotonic()
    print(f'set-up: {title}', flush=True)
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, 'PIP_USER': '0', 'PYTHONUNBUFFERED': '1', **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors='replace',
    )
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_pump, args=(process, lines), daemon=True).start()
    tail: list[str] = []
    try:
        with LOG.open('a', encoding='utf-8') as log:
            log.write(f'\n$ {" ".join(command)}\n')
            _follow(lines, tail, log.write, start)
        code = process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
    if code:
        raise SetupError(
            f'{title} failed (exit code {code}); the whole output is in {LOG}, its end:\n\n'
            + ''.join(tail)
        )
    clear = '\r\033[K' if sys.stdout.isatty() else ''
    print(f'{clear}  done in {format_time(time.monotonic() - start)}', flush=True)


def _pump(process: subprocess.Popen, lines: queue.Queue[str | None]) -> None:
    for line in process.stdout or ():
        lines.put(line)
    lines.put(None)


def _follow(
    lines: queue.Queue[str | None], tail: list[str], write: Callable[[str], object], start: float
) -> None:
    """Show progress until the pump says that the output has ended."""
    tty, shown, text, left, first = sys.stdout.isatty(), start, '', '', 0.0
    while True:
        try:
            line = lines.get(timeout=1)
            if line is None:
                return
            write(line)
            tail[:] = [*tail[-29:], line[:500]]
            news, done, total = condense(line)
            if total:
                first = first or time.monotonic()
                # The first few come in bunches, one from each core.
                if done > 3:
                    spent = time.monotonic() - first
                    left = f', about {format_time(spent / (done - 1) * (total - done))} left'
            text = news or text
        except queue.Empty:
            pass
        now = time.monotonic()
        status = f'  {format_time(now - start)} {text}{left}'
        if tty and now - shown >= 1:
            shown = now
            print(f'\r\033[K{status[: shutil.get_terminal_size().columns - 1]}', end='', flush=True)
        elif not tty and now - shown >= HEARTBEAT_S:
            shown = now
            print(status, flush=True)


def fingerprint(root: Path) -> str:
    """Hash of everything set-up depends on, the place of the checkout included."""
    digest = hashlib.sha256(str(root).encode())
    for name in ('constraints.txt', 'pyproject.toml', 'tools/setup_env.py'):
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def drop_half_installed(site_packages: Path) -> list[str]:
    """Make pip forget packages whose installation was cut off.

    pip writes ``RECORD`` last; without it a package would count as installed.
    Returns the names of the folders removed.
    """
    dropped = []
    for folder in sorted(site_packages.glob('*.dist-info')):
        if not (folder / 'RECORD').is_file():
            shutil.rmtree(folder)
            dropped.append(folder.name)
    return dropped


def choose_cuda(gpus: str, nvcc: str, torch_cuda: str | None) -> tuple[bool, str]:
    """Whether to build mmcv's ops for CUDA, and why (not).

    Args:
        gpus: output of ``nvidia-smi -L``, '' where there is no such program.
        nvcc: output of ``nvcc --version``, likewise.
        torch_cuda: CUDA version torch was built for.
    """
    release = re.search(r'release (\d+)', nvcc)
    if 'GPU ' not in gpus:
        return False, 'no CUDA GPU'
    if not release:
        return False, 'there is a CUDA GPU, but no nvcc: install the CUDA toolkit to use the GPU'
    if torch_cuda is None:
        return False, 'there is a CUDA GPU, but this torch was built without CUDA'
    if release.group(1) != torch_cuda.split('.')[0]:
        return False, f'nvcc is of CUDA {release.group(1)}, torch needs CUDA {torch_cuda}'
    return True, f'CUDA {torch_cuda}'


def ask(command: list[str]) -> str:
    """Output of a program, '' where it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=ROOT)
    except (OSError, subprocess.TimeoutExpired):
        return ''
    return done.stdout if done.returncode == 0 else ''


def probe_ops() -> dict | None:
    """For which torch mmcv's ops were built, and whether for CUDA; None where they do not run.

    The version is '' where there is mmcv and nothing was built.
    """
    output = ask([str(PYTHON), '-c', OPS_PROBE])
    return json.loads(output.splitlines()[-1]) if output else None


def forget_cached_ops() -> None:
    """Take mmcv's wheels out of pip's cache, which does not know for which torch they are."""
    ask([str(PYTHON), '-m', 'pip', 'cache', 'remove', 'onedl_mmcv'])


def make_venv() -> None:
    """Create ``.venv`` or complete one that was cut off."""
    if PYTHON.exists() or PYTHON.is_symlink():
        if not ask([str(PYTHON), '-c', 'import sys; print(sys.version)']):
            raise SetupError(f'{PYTHON} does not run: remove the folder {VENV} and try again')
        if ask([str(PYTHON), '-m', 'pip', '--version']):
            return
    VENV.mkdir(exist_ok=True)
    run_step('virtual environment .venv', [sys.executable, '-m', 'venv', str(VENV)])


def wants_compiled() -> bool:
    """Whether the user asks for compiled ops."""
    ops = os.environ.get('OPS', '')
    if ops not in ('', 'compiled'):
        raise SetupError(f"OPS={ops}: 'compiled' builds mmcv's ops; leave it out to go without")
    return ops == 'compiled'


def install_ops(state: dict) -> bool:
    """Install mmcv, and build its ops where they are wanted; returns whether a GPU can be used."""
    torch_cuda = ask([str(PYTHON), '-c', 'import torch; print(torch.version.cuda or "")']).strip()
    cuda_home = os.environ.get('CUDA_HOME')
    nvcc = str(Path(cuda_home, 'bin', 'nvcc')) if cuda_home else 'nvcc'
    want_cuda, why = choose_cuda(
        ask(['nvidia-smi', '-L']), ask([nvcc, '--version']), torch_cuda or None
    )
    # Without a visible GPU and with FORCE_CUDA=0 mmcv does not look at nvcc.
    env = {'FORCE_CUDA': '1'} if want_cuda else {'FORCE_CUDA': '0', 'CUDA_VISIBLE_DEVICES': ''}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    env['MAX_JOBS'] = os.environ.get('MAX_JOBS', str(cores or 1))
    compiled = want_cuda or wants_compiled()
    title = f'mmcv with compiled ops ({why}); about 8 minutes on two cores where it must be built'
    command = [*PIP, '-v', '--no-build-isolation', 'onedl-mmcv']
    if not compiled:
        title = 'mmcv without compiled ops; OPS=compiled builds them'
        command.remove('--no-build-isolation')  # without torch in sight nothing is compiled

    def lacks(ops: dict | None) -> bool:
        return ops is None or (compiled and not ops['torch']) or (want_cuda and not ops['cuda'])

    ops = probe_ops()
    if lacks(ops) or state.get('ops', ops) != ops:
        # Empty where pip knows no such package; then its cache of wheels may be used.
        installed = ask([str(PYTHON), '-m', 'pip', 'show', 'onedl-mmcv'])
        if installed:
            forget_cached_ops()
        run_step(title, [*command, *(FRESH if installed else [])], env)
        ops = probe_ops()
        if not installed and lacks(ops):
            # The cached wheel was built without torch, for another torch or without CUDA.
            forget_cached_ops()
            run_step(f'{title}: again, the cached build does not run', [*command, *FRESH], env)
            ops = probe_ops()
    else:
        run_step(title.split(';')[0], command, env)
    if ops is None or lacks(ops):
        raise SetupError(f'the ops of mmcv were built but do not run: remove {VENV}, try again')
    state['ops'] = ops
    STAMP.write_text(json.dumps(state))
    return bool(ops['cuda'] or not ops['torch'])


def install(state: dict) -> None:
    """All the steps; each is quick where its result is there already."""
    make_venv()
    for site_packages in VENV.glob('lib/python3*/site-packages'):
        for name in drop_half_installed(site_packages):
            print(f'set-up: {name} was installed by halves, installing it again')
    run_step('build tools', [*PIP, 'setuptools', 'wheel', 'ninja', 'psutil'])
    run_step('torch and torchvision (several GB)', [*PIP, 'torch', 'torchvision'])
    gpu = install_ops(state)
    run_step('everything else', [*PIP, '--no-build-isolation', '-e', '.[dev]'])
    hide = "export CUDA_VISIBLE_DEVICES=''  # mmcv's ops were built for the CPU\n"
    ENV_FILE.write_text('' if gpu else hide)


def read_stamp() -> dict:
    """What the last calls left behind, {} where there is nothing readable."""
    try:
        return dict(json.loads(STAMP.read_text()))
    except (OSError, ValueError):
        return {}


def check(python: str, *options: str) -> bool:
    """Run ``tools/check_env.py``; whether it ran and found no fault."""
    try:
        return subprocess.run([python, 'tools/check_env.py', *options], cwd=ROOT).returncode == 0
    except OSError:
        return False


def main() -> int:
    """Set up, or check what is there; 1 where that fails."""
    state, wanted = read_stamp(), fingerprint(ROOT)
    try:
        lacking = wants_compiled() and not (state.get('ops') or {}).get('torch')
        if not lacking and state.get('complete') == wanted and check(str(PYTHON), '--quiet'):
            return 0
        if not check(sys.executable, '--before-setup', '--quiet'):
            return 1
        state.pop('complete', None)
        install(state)
        STAMP.write_text(json.dumps({**state, 'complete': wanted}))
        return 0 if check(str(PYTHON)) else 1
    except SetupError as error:
        print(f'\nerror: {error}', file=sys.stderr)
    except KeyboardInterrupt:
        print('\ninterrupted; the next call goes on from here', file=sys.stderr)
    return 1


if __name__ == '__main__':
    sys.exit(main())
