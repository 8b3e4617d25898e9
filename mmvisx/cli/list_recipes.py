"""List the packaged recipes in whose name or header all words stand, one a line.

mmvisx list detectors COCO
"""

import argparse
import shutil
import sys
from collections.abc import Sequence


def main() -> int:
    """Print the list; returns 1 where there is none."""
    parser = argparse.ArgumentParser(description='List the packaged recipes')
    parser.add_argument('words', nargs='*', help='stand in the name or the header; all by default')
    return show(parser.parse_args().words)


def show(words: Sequence[str]) -> int:
    """Print name and title of the recipes with all these words; 1 where there is none.

    On a terminal, a line is as long as the terminal is wide.
    """
    from mmvisx.utils.recipes import search_recipes

    found = list(search_recipes(words))
    if not found:
        print(f'no recipe has {" and ".join(words)} in its name or header', file=sys.stderr)
        return 1
    width = max(len(name) for name, _ in found)
    end = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    print('\n'.join(f'{name:<{width}}  {title}'[:end] for name, title in found))
    return 0
