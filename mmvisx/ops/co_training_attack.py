"""Adversarial examples of a classifier: images, changed a little, that it takes for others.

Letters: N images, C channels, K classes. The *step* is in units of images from 0 (black) to 1
(white), whatever normalisation stands before the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor, nn

from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import modes_kept

__all__ = [
    'OWN_PREDICTION',
    'Attack',
    'check_step',
    'fgsm',
    'fgsm_of_scores',
    'only_inputs_learn',
    'targets_of',
]

OWN_PREDICTION = -1
"""Label of an image that is to be taken for another class than the network now takes it for."""

# Raises what is attacked, so that less of its gradient is 0 in half precision, whose numbers end at
# 65,504. A power of two, so that it changes no sign in any other precision.
_SCALE = 2.0**10


class Attack(Protocol):
    """What makes adversarial examples, of one network at a time.

    Of several steps for instance, with :func:`only_inputs_learn` and :func:`targets_of`; that of
    another library gets ``(images - black) / (white - black)``, images from 0 to 1.
    """

    def __call__(
        self, network: nn.Module, images: Tensor, labels: Tensor, black: Tensor, white: Tensor
    ) -> Tensor:
        """Return images ``(N, C, H, W)`` without a gradient, and leave the network as it was.

        Args:
            network: Gives scores ``(N, K)`` for images.
            images: As the network takes them, normalised, ``(N, C, H, W)``.
            labels: True classes ``(N,)``; :data:`OWN_PREDICTION` where there is none.
            black: What the network sees of a pixel value 0, in a shape that fits to the images.
            white: What it sees of 255.
        """
        ...


def fgsm(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    black: Tensor,
    white: Tensor,
    step: float = 0.02,
    clamp: bool = False,
) -> Tensor:
    """Move every pixel by ``step`` into the direction that raises the loss (fast gradient sign).

    The network runs as in a test: batch norm with its running statistics, no dropout. Only the
    gradient of the images is computed. What is raised is ``log sum_{k != y} exp z_k - z_y``, of
    which the cross entropy is a growing function, so the signs are the cross entropy's; but its
    gradient does not vanish where the network is sure of the class, in half precision least.
    There it is computed 1,024 times as large.

    Args:
        network: See :class:`Attack`, as for the other arguments.
        images: ``(N, C, H, W)``.
        labels: ``(N,)``.
        black: ``(C, 1, 1)`` or ``()``.
        white: Likewise.
        step: From 0 to 1; ``5 / 255`` for five of 256 steps of grey.
        clamp: Keep the pixels between black and white; the authors leave it out.

    Returns:
        ``(N, C, H, W)``. Pixels that do not matter, whose gradient is 0, stay; so do those whose
        gradient half precision cannot hold.

    Source: 001, Algorithm 1, step 2.
    """
    with only_inputs_learn(network), torch.enable_grad():
        pixels = images.detach().clone().requires_grad_()
        return fgsm_of_scores(network(pixels), pixels, labels, black, white, step, clamp)


def fgsm_of_scores(
    scores: Tensor,
    images: Tensor,
    labels: Tensor,
    black: Tensor,
    white: Tensor,
    step: float = 0.02,
    clamp: bool = False,
    keep_graph: bool = False,
) -> Tensor:
    """Have :func:`fgsm` of a forward pass that is done, with whatever batch norm did in it.

    Where that took statistics of the batch, images depend on each other and the sum over images
    matters: here each counts alike. In a sum of cross entropies those that the network is unsure of
    would decide how the others move.

    Args:
        scores: Of ``images``, which required a gradient, ``(N, K)``.
        images: ``(N, C, H, W)``.
        labels: ``(N,)``, as of :class:`Attack`.
        black: ``(C, 1, 1)`` or ``()``.
        white: Likewise.
        step: From 0 to 1.
        clamp: Keep the pixels between black and white.
        keep_graph: ``scores`` will be differentiated again.

    Returns:
        ``(N, C, H, W)``, without a gradient.
    """
    error = _error(scores, targets_of(scores, labels)).sum()
    (gradient,) = torch.autograd.grad(_SCALE * error, images, retain_graph=keep_graph)
    # Beyond 65,504 comes infinity, whose differences are not a number
    signs = gradient.sign().nan_to_num(0.0)
    moved = images.detach() + step * (white - black) * signs
    return moved.clamp(black, white) if clamp else moved


def targets_of(scores: Tensor, labels: Tensor) -> Tensor:
    """Return labels ``(N,)``, the best class of ``(N, K)`` where :data:`OWN_PREDICTION` stands."""
    return torch.where(labels < 0, scores.detach().argmax(dim=1), labels)


def check_step(step: float) -> None:
    """Raise a :class:`UserError` for a step that is not from 0 to 1."""
    if not 0 <= step <= 1:
        raise UserError(
            f'step={step!r} of the attack should be from 0 to 1, for images from 0 to 1: '
            'divide by 255 what counts in steps of grey'
        )


def _error(scores: Tensor, targets: Tensor) -> Tensor:
    """Return by how much all other classes together exceed the target, ``(N,)``."""
    scores = scores.float() if scores.dtype.itemsize < 4 else scores
    own = targets[:, None]
    others = scores.scatter(1, own, -torch.inf)
    return others.logsumexp(dim=1) - scores.gather(1, own)[:, 0]


@contextmanager
def only_inputs_learn(network: nn.Module) -> Iterator[None]:
    """Put a network into the mode of a test, with no gradient for any weight, and back after."""
    learning = [weight for weight in network.parameters() if weight.requires_grad]
    with modes_kept(network):
        network.eval()
        for weight in learning:
            weight.requires_grad_(False)
        try:
            yield
        finally:
            for weight in learning:
                weight.requires_grad_(True)
