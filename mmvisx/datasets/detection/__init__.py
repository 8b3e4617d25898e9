"""Boxes and instance masks."""
