"""The command lines of tools/datasets."""
