"""A label an image."""
