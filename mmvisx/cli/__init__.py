"""The command lines: tools/NAME.py runs mmvisx/cli/NAME.py."""
