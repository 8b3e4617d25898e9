"""Start the processes of a distributed test, and leave none behind."""

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]


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
    """Run a script in two processes that torchrun starts; see :func:`run`."""
    run(
        *(sys.executable, '-m', 'torch.distributed.run', '--nproc_per_node=2'),
        f'--master_port={free_port()}',
        script,
        *arguments,
        timeout=timeout,
    )
