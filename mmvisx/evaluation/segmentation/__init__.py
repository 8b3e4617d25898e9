"""Intersection over union."""
