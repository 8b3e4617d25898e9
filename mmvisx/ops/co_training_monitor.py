"""How alike co-trained views are: what fools them, and where they disagree.

Letters: n views, N images, K classes; g_i(x) is an adversarial example of the view i for the image
x. A view is *fooled* by an example to which it gives another class than to the image. An example
*transfers* where it fools another view than the one it was made for. All functions also take scores
of pixels, ``(N, K, H, W)``, and count these.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .co_training import jensen_shannon_loss, view_difference_loss

__all__ = ['ViewNumbers', 'collapsed_pairs', 'view_numbers']


class ViewNumbers(NamedTuple):
    """What :func:`view_numbers` finds, each of two views i and j, ``(n, n)``.

    Attributes:
        fooled: Share of the images for which g_i fools j, from 0 to 1; the diagonal is how far
            the views fall for their own examples.
        dif: Eq. 3.5, ``H(p_i(x), p_j(g_i(x))) + H(p_j(x), p_i(g_j(x)))``, a mean in nats.
        dif_kl: Its part that is 0 where nothing transfers: the divergence KL in place of H.
        disagreement: Share of the unlabelled images that the views take for different classes.
        jsd: Jensen-Shannon divergence on the unlabelled images, a mean in nats.
    """

    fooled: Tensor
    dif: Tensor
    dif_kl: Tensor
    disagreement: Tensor
    jsd: Tensor

    def summary(self) -> dict[str, float]:
        """Return means: of ``own_fooling`` over the views, of all others over the pairs."""
        n = len(self.fooled)
        own, apart = torch.eye(n, dtype=torch.bool), ~torch.eye(n, dtype=torch.bool)
        return dict(
            own_fooling=self.fooled[own].mean().item(),
            transferred_fooling=self.fooled[apart].mean().item(),
            **{name: getattr(self, name)[apart].mean().item() for name in self._fields[1:]},
        )


def view_numbers(clean: Tensor, attacked: Tensor, unlabelled: Tensor) -> ViewNumbers:
    """Compare views by what they say of images and of each other's adversarial examples.

    Args:
        clean: Scores before the softmax of view i for x, ``(n, N, K)``.
        attacked: Of view j for g_i(x), ``(n, n, N, K)``, i first.
        unlabelled: Which images have no label, ``(N,)``.

    Source: 001, Eq. 3.4, Eq. 3.5 and Figure 3-2.
    """
    classes, images = clean.argmax(dim=2), clean[:, unlabelled]
    target = _repeat(clean)
    crossed = view_difference_loss(target, attacked.flatten(0, 2))
    dif = _mean(crossed, len(clean))
    dif_kl = _mean(crossed - view_difference_loss(target, target), len(clean))
    known = classes[:, unlabelled]
    return ViewNumbers(
        fooled=_share(attacked.argmax(dim=3) != classes),
        dif=dif + dif.T,
        dif_kl=dif_kl + dif_kl.T,
        disagreement=_share(known[:, None] != known),
        jsd=_mean(jensen_shannon_loss(_repeat(images), _tile(images)), len(clean)),
    )


def collapsed_pairs(
    numbers: ViewNumbers, near: float, apart: float, least: float
) -> list[tuple[int, int]]:
    """Return the pairs of views that have become one: they agree, and err alike.

    Args:
        near: What fools the one must fool the other at least so many times as often.
        apart: They may disagree on this share of the unlabelled images.
        least: Share of the images by which the two must fall for their own examples, so that
            there is something to compare.

    Source: 001, 3.3.3.2: "two models tend to collapse into each other".
    """
    fooled = numbers.fooled
    found = []
    for i in range(len(fooled)):
        for j in range(i):
            own = (fooled[i, i] + fooled[j, j]) / 2
            transferred = (fooled[i, j] + fooled[j, i]) / 2
            alike = numbers.disagreement[i, j] <= apart
            if alike and own >= least and transferred >= near * own:
                found.append((j, i))
    return found


def _repeat(scores: Tensor) -> Tensor:
    """Return those of i for every pair of views, ``(n, N, K)`` to ``(n * n * N, K)``."""
    return scores[:, None].expand(-1, len(scores), *scores.shape[1:]).flatten(0, 2)


def _tile(scores: Tensor) -> Tensor:
    """Return those of j, ``(n, N, K)`` to ``(n * n * N, K)``."""
    return scores[None].expand(len(scores), *scores.shape).flatten(0, 2)


def _mean(values: Tensor, n: int) -> Tensor:
    """Return the mean of each pair, ``(n * n * N, ...)`` to ``(n, n)``."""
    return values.view(n, n, -1).mean(dim=2).double().cpu()


def _share(true: Tensor) -> Tensor:
    """Return the share of what is true of each pair, ``(n, n, N, ...)`` to ``(n, n)``."""
    return true.flatten(2).double().mean(dim=2).cpu()
