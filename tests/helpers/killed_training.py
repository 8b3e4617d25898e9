"""``tools/train.py``, which kills itself at a moment: ``KILL_AT='replace epoch_2.pth 1'``.

The moments are named by what is about to be done or was done, and to which file, for the n-th time:
``write`` (half of the first block is in the temporary file), ``fsync``, ``replace`` and ``remove``
(before), ``replaced`` and ``removed`` (after), and ``iter N`` (done, hooks not yet called).
"""

import os
import re
import signal
from pathlib import Path

from mmengine.evaluator import BaseMetric
from mmengine.logging import MessageHub
from mmengine.registry import METRICS
from yapf.yapflib import yapf_api

from mmvisx.cli.train import main
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


def kill_at(moment: str) -> None:
    """Prepare the end of this process, by the signal that nothing can catch."""
    what, name, *number = moment.split()
    left = [int(number[0]) if number else 1]

    def reached(done: str, path: object) -> bool:
        # A temporary file counts as the one that it will be.
        found = re.sub(r'^\.(.*)\.[0-9a-f]+\.part$', r'\1', Path(str(path)).name)
        if (done, found) != (what, name):
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
    run_cli(main)
