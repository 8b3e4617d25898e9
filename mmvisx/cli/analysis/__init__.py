"""The command lines of tools/analysis."""
