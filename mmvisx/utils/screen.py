"""What stands on the terminal while a command runs; the log file has all the rest."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any

from mmengine.logging import MMLogger
from rich.console import Console, RenderableType
from rich.table import Table

__all__ = [
    'ON_SCREEN',
    'Screen',
    'current_screen',
    'plain_console',
    'plain_table',
    'quiet_screen',
]

ON_SCREEN = {'on_screen': True}
"""``logger.info(text, extra=ON_SCREEN)`` is for the user, too, as warnings are."""

# Warnings of MMEngine's about MMEngine; they stay in the log file.
INTERNAL = (
    '"FileClient" will be deprecated',
    '"HardDiskBackend" is the alias',
    '`save_param_scheduler` is True but `self.param_schedulers` is None',
)
# Python's warnings of libraries about their own code.
OTHERS_CODE = (
    'To copy construct from a tensor',
    'torch.meshgrid: in an upcoming release',
    'Default ``avg_non_ignore`` is False',
    'Warning: The bbox is out of bounds',  # of a box that reaches over the image, when drawn
    'Warning: The polygon is out of bounds',
    'The draw is False',  # mmseg's hook, as every recipe has it
)
PRINTING = ('pycocotools.coco', 'pycocotools.cocoeval')


def plain_console(stderr: bool = False) -> Console:
    """Return a console for standard or error output that prints text as it is."""
    # A variable such as FORCE_COLOR does not make a terminal of a pipe.
    terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(
        stderr=stderr,
        force_terminal=terminal,
        force_interactive=None if terminal else False,
        highlight=False,
        markup=False,
        emoji=False,
    )


class Screen:
    """The terminal, or the pipe or file in its place, which gets plain lines.

    Attributes:
        console: Prints; without colours, markup and control codes where there is no terminal.
        live: Whether a line can be written again in its place.
        open: Closes with the command, also one that ends with an error.
    """

    def __init__(self) -> None:
        self.console = plain_console()
        self.live = self.console.is_interactive
        self.open = ExitStack()

    def say(self, text: str, style: str | None = None) -> None:
        """Print a line, however long."""
        self.console.print(text, style=style, soft_wrap=True)

    def show(self, item: RenderableType) -> None:
        """Print a table, for example."""
        self.console.print(item)

    def rows(self, rows: Mapping[str, str]) -> None:
        """Print texts behind their names, one below the other."""
        for name, text in rows.items():
            self.say(f'{name:<10}{text}')

    def take(self, logger: logging.Logger) -> None:
        """Let warnings, and what is marked ``ON_SCREEN``, come through to the screen only."""
        for place, handler in enumerate(logger.handlers):
            if type(handler) is logging.StreamHandler:
                logger.handlers[place] = _Handler(self, handler)
                self.open.callback(logger.handlers.__setitem__, place, handler)


class _Handler(logging.Handler):
    """Prints in the place of MMEngine's handler, above a line that is being rewritten."""

    def __init__(self, screen: Screen, former: logging.Handler) -> None:
        super().__init__(former.level)  # of all processes but the first: errors only
        self.filters = [*former.filters, _for_users]
        self.screen = screen

    def emit(self, record: logging.LogRecord) -> None:
        """Print the message."""
        text = record.getMessage().strip()
        if record.levelno >= logging.WARNING:
            self.screen.say(f'{record.levelname.lower()}: {text}', style='yellow')
        else:
            self.screen.say(text)


def _for_users(record: logging.LogRecord) -> bool:
    if record.levelno < logging.WARNING:
        return getattr(record, 'on_screen', False)
    return not record.getMessage().startswith(INTERNAL)


_screens: list[Screen] = []


def current_screen() -> Screen | None:
    """Return the screen of the command that is running, if it has one."""
    return _screens[-1] if _screens else None


@contextmanager
def quiet_screen(verbose: bool = False) -> Iterator[None]:
    """Keep the log from the screen while a command runs.

    Runners that are built within say what they do and how far they are
    (:class:`mmvisx.engine.hooks.progress.ProgressHook`); what pycocotools prints goes into their
    log file.

    Args:
        verbose: Leave everything as it is: MMEngine's log on the screen.
    """
    if verbose:
        yield
        return
    screen = Screen()
    _screens.append(screen)
    with screen.open:
        screen.open.callback(_screens.remove, screen)
        screen.open.enter_context(warnings.catch_warnings())
        for text in OTHERS_CODE:
            warnings.filterwarnings('ignore', text)
        for name in PRINTING:
            namespace = vars(import_module(name))
            namespace['print'] = _log
            screen.open.callback(namespace.pop, 'print')
        screen.take(MMLogger.get_current_instance())
        yield


def _log(*values: Any, **_: Any) -> None:
    """Log what would have been printed."""
    MMLogger.get_current_instance().info(' '.join(map(str, values)))


def plain_table(*columns: str) -> Table:
    """Return an empty table without lines; the first column is text, the others numbers."""
    table = Table(box=None, pad_edge=False, header_style='bold')
    for place, name in enumerate(columns):
        table.add_column(name, justify='right' if place else 'left', no_wrap=True)
    return table
