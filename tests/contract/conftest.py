"""Shared fixtures."""

from types import SimpleNamespace

import pytest


@pytest.fixture(autouse=True, scope='package')
def _no_garbage_collection():
    # Every data set of MMEngine's collects all garbage when it is built, which takes longer than
    # all the rest of these tests.
    with pytest.MonkeyPatch.context() as patch:
        silent = SimpleNamespace(collect=lambda: None)
        patch.setattr('mmengine.dataset.base_dataset.gc', silent)
        yield
