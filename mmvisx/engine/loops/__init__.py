"""Training loops whose step is their own."""

from .step_loop import StepLoop

__all__ = ['StepLoop']
