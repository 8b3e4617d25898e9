"""Trainings that revive, share or remove channels, and what they are made of."""
