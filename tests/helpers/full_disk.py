"""A disk that is full, without filling one."""

import resource
from contextlib import contextmanager


@contextmanager
def full_disk(size):
    """Forbid this process files of more than ``size`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
