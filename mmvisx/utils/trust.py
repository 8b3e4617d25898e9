"""What the user lets pass that is refused otherwise.

In environment variables, which workers and programs that are started see too. The command lines
set them by ``--trust-checkpoint`` and ``--allow-outside``.
"""

from __future__ import annotations

import os

__all__ = ['ALLOW_OUTSIDE', 'TRUST_CHECKPOINT', 'is_set']

TRUST_CHECKPOINT = 'MMVISX_TRUST_CHECKPOINT'
ALLOW_OUTSIDE = 'MMVISX_ALLOW_OUTSIDE'


def is_set(name: str) -> bool:
    """Whether an environment variable of these is ``'1'``."""
    return os.environ.get(name) == '1'
