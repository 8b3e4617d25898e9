"""What happens around the training loop."""

from . import hooks, loops, optim, runner, schedulers

__all__ = ['hooks', 'loops', 'optim', 'runner', 'schedulers']
