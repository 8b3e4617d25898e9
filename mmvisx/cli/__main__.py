"""The command ``mmvisx`` without its script: python -m mmvisx.cli train CONFIG."""

from .commands import run

if __name__ == '__main__':
    run()
