"""Print what lets a shell complete commands, options, and the names of recipes.

eval "$(mmvisx completion bash)"      in ~/.bashrc; zsh in ~/.zshrc
mmvisx completion fish | source       in ~/.config/fish/config.fish
"""

from __future__ import annotations

import argparse
import os
from importlib import import_module


def main() -> None:
    """Print the code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('shell', choices=['bash', 'zsh', 'fish'])
    args = parser.parse_args()
    import argcomplete

    print(argcomplete.shellcode(['mmvisx'], shell=args.shell))


def complete() -> None:
    """Write what the word under the cursor may become to where the shell reads it, and exit."""
    import argcomplete
    from argcomplete.lexers import split_line

    from .commands import COMMANDS, below, split

    *_, words, _ = split_line(os.environ['COMP_LINE'], int(os.environ['COMP_POINT']))
    name, _ = split(words[1:])
    # The number of the word that stands for the program: here, the last one of the command.
    os.environ['_ARGCOMPLETE'] = str(1 + len(name.split()))
    if name and COMMANDS[name].module:
        # No command may run while its line is being typed: it ends where it would read it.
        argparse.ArgumentParser.parse_args = _complete_with  # type: ignore[assignment]
        import_module(f'mmvisx.cli.{COMMANDS[name].module}').main()
    parser = argparse.ArgumentParser()
    names = {key.rpartition(' ')[2]: COMMANDS[key].help for key in below(name)}
    parser.add_argument('command', choices=names)
    argcomplete.autocomplete(parser)


def _complete_with(parser: argparse.ArgumentParser, *_: object) -> None:
    import argcomplete

    argcomplete.autocomplete(parser, always_complete_options=False)
