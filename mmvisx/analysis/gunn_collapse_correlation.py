"""Correlation of channels, and which of them collapsed into each other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mmvisx.utils.errors import UserError

__all__ = ['ChannelCorrelation', 'Collapse', 'find_collapsed_channels']

# Activations that are looked at together, in values.
_CHUNK = 2**22


@dataclass(frozen=True)
class Collapse:
    """Collapsed channels of one layer.

    Attributes:
        channels: Number of channels.
        constant: Channels that do not vary; they have no correlation and are in no pair.
        pairs: ``(i, j, correlation)`` with ``i < j``, the strongest first.
        strongest: Largest ``|correlation|`` of two channels, also where that is no pair.

    Source: 001, 4.4.
    """

    channels: int
    constant: tuple[int, ...]
    pairs: tuple[tuple[int, int, float], ...]
    strongest: float

    @property
    def collapsed(self) -> tuple[int, ...]:
        """Channels that are in a pair."""
        return tuple(sorted({i for pair in self.pairs for i in pair[:2]}))

    @property
    def distinct(self) -> int:
        """Channels that remain when each group of channels joined by pairs counts once.

        Constant channels do not count.
        """
        group = list(range(self.channels))

        def root(i: int) -> int:
            while group[i] != i:
                group[i] = group[group[i]]
                i = group[i]
            return i

        for i, j, _ in self.pairs:
            group[root(i)] = root(j)
        return len({root(i) for i in range(self.channels)} - set(self.constant))

    def pairs_within(self, num_segments: int) -> int:
        """Count the pairs whose channels lie in the same of ``num_segments`` equal segments.

        GUNN breaks the symmetry between its segments, not inside them (001, 4.4.3).
        """
        width = self.channels // num_segments
        return sum(i // width == j // width for i, j, _ in self.pairs)


class ChannelCorrelation:
    """Correlation of the channels of a layer over all images and positions, batch by batch.

    Mean and covariance are merged in ``float64`` as by Chan et al. (1979), so that the result
    does not depend on the batches, and a large mean costs no digits.

    Source: 001, 4.4.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean = torch.zeros(0, dtype=torch.float64)
        self.scatter = torch.zeros(0, 0, dtype=torch.float64)

    def update(self, activations: Tensor) -> None:
        """Add activations ``(B, C, ...)``.

        Raises:
            UserError: There are no channels, their number changes, or a value is not finite.
        """
        if activations.ndim < 2 or activations.shape[1] == 0:
            raise UserError(
                f'activations of shape {tuple(activations.shape)} have no channels: (B, C, ...) '
                'is needed'
            )
        channels = activations.shape[1]
        if self.count == 0:
            self.mean = activations.new_zeros(channels, dtype=torch.float64)
            self.scatter = activations.new_zeros(channels, channels, dtype=torch.float64)
        elif channels != len(self.mean):
            raise UserError(f'{channels} channels after batches of {len(self.mean)}')
        step = max(1, _CHUNK // max(1, activations[0].numel()))
        for part in activations.detach().split(step):
            self._add(part.movedim(1, 0).reshape(channels, -1).double())

    def _add(self, values: Tensor) -> None:
        if not values.isfinite().all():
            raise UserError('an activation is infinite or not a number')
        added = values.shape[1]
        if added == 0:
            return
        mean = values.mean(1)
        values = values - mean[:, None]
        total = self.count + added
        delta = mean - self.mean
        self.scatter += values @ values.T
        self.scatter += torch.outer(delta, delta) * (self.count * added / total)
        self.mean += delta * (added / total)
        self.count = total

    def constant(self, tolerance: float = 1e-6) -> Tensor:
        """Return which channels ``(C,)`` do not vary.

        Those have a standard deviation of at most ``tolerance`` times their root mean square;
        what ``float32`` leaves of a constant is below 1e-6.
        """
        variance = self.scatter.diagonal() / max(self.count, 1)
        return variance <= tolerance**2 * (variance + self.mean**2)

    def matrix(self) -> Tensor:
        """Return the correlations ``(C, C)``, ``float64``, -1 to 1.

        A channel that does not vary at all has 0 with all others and itself.

        Raises:
            UserError: There were fewer than two values.
        """
        if self.count < 2:
            raise UserError(f'{self.count} values of a channel: correlation needs at least 2')
        deviation = self.scatter.diagonal().sqrt()
        scale = torch.where(deviation > 0, 1 / deviation, 0.0)
        return (self.scatter * scale[:, None] * scale).clamp(-1, 1)


def find_collapsed_channels(
    correlation: ChannelCorrelation, threshold: float = 0.99, tolerance: float = 1e-6
) -> Collapse:
    """Return the pairs of channels with ``|correlation| > threshold``.

    Args:
        correlation: Of the layer, over a batch of images.
        threshold: 0 to 1, 1 excluded.
        tolerance: See :meth:`ChannelCorrelation.constant`.

    Raises:
        UserError: ``threshold`` is outside, or there were fewer than two values.

    Source: 001, 4.4: neurons collapse when their activations cannot tell them apart. The
    document's are equal; negated, scaled and shifted ones, between which the next layer cannot
    tell either, count here too.
    """
    if not 0 <= threshold < 1:
        raise UserError(f'threshold={threshold} must be at least 0 and below 1')
    matrix = correlation.matrix()
    constant = correlation.constant(tolerance)
    matrix[constant] = 0
    matrix[:, constant] = 0
    upper = matrix.abs().triu(1)
    first, second = (upper > threshold).nonzero(as_tuple=True)
    values = matrix[first, second].tolist()
    pairs = sorted(
        zip(first.tolist(), second.tolist(), values, strict=True), key=lambda p: -abs(p[2])
    )
    return Collapse(
        channels=len(matrix),
        constant=tuple(constant.nonzero().flatten().tolist()),
        pairs=tuple(pairs),
        strongest=upper.max().item(),
    )
