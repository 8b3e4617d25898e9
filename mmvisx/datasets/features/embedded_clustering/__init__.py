"""Points of Deep Embedded Clustering: arrays, files, texts and pictures as rows of numbers."""
