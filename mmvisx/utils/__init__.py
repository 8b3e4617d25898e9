"""Helpers shared by the whole package."""

from .errors import UserError, run_cli

__all__ = ['UserError', 'run_cli']
