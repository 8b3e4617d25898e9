"""Data sets and what feeds them."""
