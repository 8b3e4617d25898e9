"""Run a tool by its name where there is no folder tools: python -m mmvisx.cli train CONFIG."""

import sys
from importlib import import_module
from importlib.util import find_spec

from mmvisx.utils import UserError, run_cli


def main() -> int | None:
    """Run ``mmvisx.cli.NAME`` with the rest of the command line."""
    if len(sys.argv) < 2:
        raise UserError('name a tool: python -m mmvisx.cli train CONFIG')
    name = sys.argv[1].replace('/', '.')
    if find_spec(f'mmvisx.cli.{name}') is None:
        raise UserError(
            f'no tool {sys.argv[1]!r}: the names are those in tools/, as analysis/elephant'
        )
    sys.argv = [f'mmvisx {sys.argv[1]}', *sys.argv[2:]]
    return import_module(f'mmvisx.cli.{name}').main()


if __name__ == '__main__':
    run_cli(main)
