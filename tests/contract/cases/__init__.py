"""A file a method, which says what its classes are made with; a new method adds its file.

A file holds dicts by kind, ``MODELS = {'ClassName': ModelCase(...)}`` and so on; the kinds and
what belongs into a case stand in :mod:`tests.contract.case`.
"""

from importlib import import_module
from pkgutil import iter_modules


def cases(kind):
    """Join the cases of a kind, ``'MODELS'`` for example, of all files."""
    found = {}
    for module in iter_modules(__path__):
        own = getattr(import_module(f'{__name__}.{module.name}'), kind, {})
        assert not found.keys() & own.keys(), f'{module.name}: a class has two cases'
        found |= own
    return found
