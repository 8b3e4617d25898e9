"""The command lines of demo."""
