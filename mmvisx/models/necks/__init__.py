"""Necks."""

from .detectors_rfp import RecursiveFeaturePyramid

__all__ = ['RecursiveFeaturePyramid']
