"""Command lines of few-shot recognition."""
