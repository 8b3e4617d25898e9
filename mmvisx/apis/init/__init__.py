"""From a folder of somebody's own data to a config that trains on it."""

from .init import Options, init

__all__ = ['Options', 'init']
