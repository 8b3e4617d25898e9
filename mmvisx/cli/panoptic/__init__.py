"""The command lines of tools/panoptic."""
