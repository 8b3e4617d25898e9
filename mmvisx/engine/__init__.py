"""What happens around the training loop."""

from . import hooks, optim, schedulers

__all__ = ['hooks', 'optim', 'schedulers']
