"""The command lines of tools/deployment."""
