"""What happens around the training loop."""

from . import hooks, optim

__all__ = ['hooks', 'optim']
