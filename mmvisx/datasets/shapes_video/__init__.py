"""Rendered clips: a camera over a ground on which textured shapes move."""
