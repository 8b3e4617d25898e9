"""Errors that a user can act on, and their short form on the command line."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

from .device import hide_gpu_without_ops

_WORKER_MARK = 'Original Traceback'


class UserError(RuntimeError):
    """Something in the user's files, config or command line is wrong.

    The message names the file, key or term, its value, and what to do. Command
    line tools print it without a stack trace (:func:`run_cli`).

    PyTorch's data loader rebuilds a worker's exception with the whole worker
    traceback as its message; the constructor takes the original message out again.
    """

    def __init__(self, message: str) -> None:
        if _WORKER_MARK in message:
            marker = f'{type(self).__name__}: '
            if marker in message:
                message = message[message.rindex(marker) + len(marker) :].strip()
        super().__init__(message)


def run_cli(main: Callable[[], int | None]) -> None:
    """Run a tool's ``main`` and turn a :class:`UserError` into one short message.

    A GPU that mmcv's ops cannot use is hidden before.

    Exits with the code that ``main`` returns, 1 after a :class:`UserError`, 130 after Ctrl-C. The
    environment variable ``MMVISX_TRACEBACK=1`` brings the stack trace back.
    """
    hide_gpu_without_ops()
    try:
        code = main()
    except UserError as error:
        if os.environ.get('MMVISX_TRACEBACK') == '1':
            traceback.print_exc()
        sys.stdout.flush()
        print(f'error: {error}', file=sys.stderr, flush=True)
        sys.exit(1)
    except KeyboardInterrupt:
        if os.environ.get('MMVISX_TRACEBACK') == '1':
            traceback.print_exc()
        print('\nCtrl-C: ended', file=sys.stderr, flush=True)
        sys.exit(130)  # 128 + SIGINT
    sys.exit(code or 0)
