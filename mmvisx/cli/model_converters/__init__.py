"""The command lines of tools/model_converters."""
