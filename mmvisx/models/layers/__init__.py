"""Convolutions and other building blocks."""
