"""A distributed test that hangs ends, with all that it started."""

import sys

import psutil
import pytest

from tests.helpers.processes import run

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
