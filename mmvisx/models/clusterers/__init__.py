"""Models that part points into clusters, and the autoencoders they start from."""

from .embedded_clustering_autoencoder import StackedAutoencoder, StackedEncoder
from .embedded_clustering_dec import DEC

__all__ = ['DEC', 'StackedAutoencoder', 'StackedEncoder']
