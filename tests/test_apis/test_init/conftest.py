"""The tools, as ``tests/test_tools`` runs them."""

from tests.test_tools.conftest import tool

__all__ = ['tool']
