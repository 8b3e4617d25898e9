"""Metrics and test-time evaluation."""
