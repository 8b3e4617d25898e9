"""Operations on whole models."""

from .convert_sac import convert_to_sac

__all__ = ['convert_to_sac']
