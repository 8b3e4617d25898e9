"""Start the processes of a distributed test, and leave none behind."""

import multiprocessing
import os
import runpy
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
PRELOADED = ['mmdet.utils', 'mmvisx.datasets', 'mmvisx.engine', 'mmvisx.models']


def free_port() -> str:
    """Return a port that nothing listens to."""
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        return str(server.getsockname()[1])


def run(*command: object, timeout: float = 400, **environment: str) -> None:
    """Run a command that must end with 0, on the CPU with one thread a process.

    When it does not end in time, it and all that it started are killed. A killed process group
    would not do: torchrun gives each of its processes a session of its own.

    Args:
        command: Program and arguments.
        timeout: Seconds.
        environment: Variables to set beside the usual ones.

    Raises:
        AssertionError: It failed or did not end; with the end of what it printed.
    """
    usual = {
        'CUDA_VISIBLE_DEVICES': '',
        'OMP_NUM_THREADS': '1',
        'PORT': free_port(),
        'PYTHON': sys.executable,
        'PYTHONPATH': str(ROOT),
    }
    # To a file: a pipe would stay open as long as any process that inherited it.
    with tempfile.TemporaryFile('w+') as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **usual, **environment},
            start_new_session=True,
        )
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            code = f'it was killed after {timeout} s'
        finally:
            kill_family(process)
        output.seek(0)
        assert code == 0, f'{command}: {code}\n{output.read()[-3000:]}'


def kill_family(process: subprocess.Popen) -> None:
    """Kill a process and its descendants, if it still runs, and wait until they are gone."""
    if process.poll() is not None:
        return
    parent = psutil.Process(process.pid)
    # Stopped first, so that it starts no other while its children are counted.
    parent.suspend()
    family = [*parent.children(recursive=True), parent]
    for member in family:
        member.kill()
    process.wait()
    psutil.wait_procs(family, timeout=10)


def run_two(script: Path, *arguments: object, timeout: float = 400) -> None:
    """Run a script in two processes that see each other, as torchrun's do; see :func:`run`.

    Raises:
        AssertionError: One failed, or did not end in time; with the end of what it printed.
    """
    usual = {'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': free_port(), 'WORLD_SIZE': '2'}
    settings = [{**usual, 'RANK': str(rank), 'LOCAL_RANK': str(rank)} for rank in range(2)]
    codes, printed = run_forked(script, *arguments, settings=settings, timeout=timeout)
    shown = '\n'.join(text[-3000:] for text in printed)
    assert codes == [0, 0], f'{script}: {codes} (None: killed after {timeout} s)\n{shown}'


def run_forked(
    script: Path, *arguments: object, settings: list[dict[str, str]], timeout: float = 400
) -> tuple[list[int | None], list[str]]:
    """Run a script in processes that do not import again what takes seconds.

    They are forks of one process that has imported it, and that serves all tests.

    Args:
        settings: Variables of the environment of each process.
        timeout: Seconds; what has not ended then is killed.

    Returns:
        Of each process the exit code (None: it did not end in time) and what it printed.
    """
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(PRELOADED)
    deadline = time.monotonic() + timeout
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder) / f'{number}.txt' for number in range(len(settings))]
        processes = []
        for setting, output in zip(settings, outputs, strict=True):
            command = [str(part) for part in (script, *arguments)]
            # The server knows no module of the tests, but the place of this one.
            child = (__file__, dict(CHILD=(command, setting, output)), '__child__')
            processes.append(context.Process(target=runpy.run_path, args=child))
            processes[-1].start()
        try:
            for process in processes:
                process.join(max(0.0, deadline - time.monotonic()))
            codes = [process.exitcode for process in processes]
        finally:
            for process in processes:
                process.kill()
                process.join()
        printed = [output.read_text() if output.is_file() else '' for output in outputs]
    return codes, printed


def _run_script(command: list[str], settings: dict[str, str], output: Path) -> None:
    """Be ``python script arguments``, with what is printed in a file."""
    with open(output, 'w') as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.update(settings)
    sys.argv = command
    sys.path.insert(0, str(Path(command[0]).parent))
    runpy.run_path(command[0], run_name='__main__')


if __name__ == '__child__':
    _run_script(*globals()['CHILD'])
