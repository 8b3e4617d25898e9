"""Gradual updates of channels (GUNN)."""
