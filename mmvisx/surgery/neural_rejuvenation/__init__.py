"""Neural Rejuvenation: revive channels that died."""
