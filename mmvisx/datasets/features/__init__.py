"""Points as vectors: what clustering without images reads."""
