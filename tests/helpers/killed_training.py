"""``tools/train.py``, which kills itself or meets a full disk at a moment that is named.

``KILL_AT='replace epoch_2.pth 1'``, ``FULL_AT='epoch_2.pth 1'`` (this file finds no room).

The moments are named by what is about to be done or was done, and to which file, for the n-th time:
``write`` (half of the first block is in the temporary file), ``fsync``, ``replace`` and ``remove``
(before), ``replaced`` and ``removed`` (after), and ``iter N`` (done, hooks not yet called).
"""

import os
import re
import resource
import signal
from pathlib import Path

from mmengine.evaluator import BaseMetric
from mmengine.logging import MessageHub
from mmengine.registry import METRICS
from yapf.yapflib import yapf_api

from mmvisx.cli.train import main
from mmvisx.engine.log_files import RoomyVisBackend
from mmvisx.engine.runner import CheckedRunner
from mmvisx.utils import files, run_cli


@METRICS.register_module(force=True)
class RisingMetric(BaseMetric):
    """Better after every epoch."""

    def process(self, data_batch, data_samples) -> None:
        """Count."""
        self.results.append(1)

    def compute_metrics(self, results) -> dict:
        """Return the iterations that are done."""
        return dict(rise=float(MessageHub.get_current_instance().get_info('iter')))


def final_name(path: object) -> str:
    """Return a file's name; of a temporary one, the name that it will have."""
    return re.sub(r'^\.(.*)\.[0-9a-f]+\.part$', r'\1', Path(str(path)).name)


def full_at(moment: str) -> None:
    """Let the n-th file of a name be larger than this process may write."""
    name, number = moment.split()
    plain_write, plain_dump = files._Temporary.write, RoomyVisBackend._dump
    opened = []

    def limited(function, *args):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
        try:
            return function(*args)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    def write(self, data):
        if final_name(self.name) == name and self.name not in opened:
            opened.append(self.name)
        if len(opened) == int(number) and self.name == opened[-1]:
            return limited(plain_write, self, data)
        return plain_write(self, data)

    def dump(self, value_dict, file_path, file_format):
        if Path(file_path).name == name and value_dict.get('step') == int(number):
            return limited(plain_dump, self, value_dict, file_path, file_format)
        return plain_dump(self, value_dict, file_path, file_format)

    files._Temporary.write = write
    RoomyVisBackend._dump = dump


def kill_at(moment: str) -> None:
    """Prepare the end of this process, by the signal that nothing can catch."""
    what, name, *number = moment.split()
    left = [int(number[0]) if number else 1]

    def reached(done: str, path: object) -> bool:
        if (done, final_name(path)) != (what, name):
            return False
        left[0] -= 1
        return left[0] == 0

    def end() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def around(plain, before, after, path_of):
        def call(*args):
            if reached(before, path_of(*args)):
                end()
            plain(*args)
            if reached(after, path_of(*args)):
                end()

        return call

    plain_write, plain_hook = files._Temporary.write, CheckedRunner.call_hook

    def write(self, data):
        if what == 'write' and self.written == 0 and reached('write', self.name):
            plain_write(self, memoryview(data)[: len(data) // 2])
            end()
        return plain_write(self, data)

    def call_hook(self, fn_name, **kwargs):
        if fn_name == 'after_train_iter' and (what, name) == ('iter', str(self.iter + 1)):
            end()
        return plain_hook(self, fn_name, **kwargs)

    files._Temporary.write = write
    CheckedRunner.call_hook = call_hook
    os.replace = around(os.replace, 'replace', 'replaced', lambda old, new: new)
    os.remove = around(os.remove, 'remove', 'removed', lambda path: path)
    os.fsync = around(
        os.fsync, 'fsync', 'fsynced', lambda number: os.readlink(f'/proc/self/fd/{number}')
    )


if __name__ == '__main__':
    # Half the time of so small a training goes into the layout of the config; see conftest.py.
    yapf_api.FormatCode = lambda text, **_: (text, True)
    if 'KILL_AT' in os.environ:
        kill_at(os.environ['KILL_AT'])
    if 'FULL_AT' in os.environ:
        full_at(os.environ['FULL_AT'])
    run_cli(main)
