"""Trainings that revive, share or remove channels."""
