"""A distributed test that hangs ends, with all that it started."""

import sys

import psutil
import pytest

from tests.helpers.processes import run, run_two

# As torchrun does it: the child has a session of its own, out of reach of its parent's group.
HANGS = """
import subprocess, sys, time
child = subprocess.Popen(['sleep', '600'], start_new_session=True)
print('started', flush=True)
open(sys.argv[1], 'w').write(str(child.pid))
time.sleep(600)
"""


def test_nothing_is_left_after_a_time_out(tmp_path):
    with pytest.raises(AssertionError, match=r'killed after 3 s\nstarted'):
        run(sys.executable, '-c', HANGS, tmp_path / 'pid', timeout=3)
    assert not psutil.pid_exists(int((tmp_path / 'pid').read_text()))


def test_a_failure_shows_what_was_printed():
    with pytest.raises(AssertionError, match='7\nthe reason'):
        run(sys.executable, '-c', 'import sys; print("the reason"); sys.exit(7)')


def test_two_processes_see_each_other(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text(
        'import sys\n'
        'import torch\n'
        'import torch.distributed as dist\n'
        "dist.init_process_group('gloo')\n"
        'total = torch.tensor(float(dist.get_rank() + 1))\n'
        'dist.all_reduce(total)\n'
        "open(f'{sys.argv[1]}/{dist.get_rank()}', 'w').write(str(total.item()))\n"
        'dist.destroy_process_group()\n'
    )
    run_two(script, tmp_path)
    assert [(tmp_path / name).read_text() for name in '01'] == ['3.0', '3.0']


@pytest.mark.parametrize('body', ['raise ValueError("the reason")', 'sys.exit("the reason")'])
def test_one_of_two_that_fails_shows_what_it_printed(tmp_path, body):
    script = tmp_path / 'script.py'
    script.write_text(f'import os, sys\nif os.environ["RANK"] == "1":\n    {body}\n')
    with pytest.raises(AssertionError, match=r'\[0, 1\](.|\n)*the reason'):
        run_two(script)


def test_two_that_hang_are_killed(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text('import time\ntime.sleep(600)\n')
    with pytest.raises(AssertionError, match='killed after 4 s'):
        run_two(script, timeout=4)
