"""A row that is trained: new rows of a classifier's last layer, all else as it was.

Letters: L large and F few classes, N images, d channels of an activation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mmvisx.datasets.classification.few_shot_bank import ActivationBank

from .few_shot_balance import Balance
from .few_shot_rows import Known, Row, Scores, few_labels

__all__ = ['RATES', 'choose_rate', 'learn_like_a_child', 'searched_child']

RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
# Images whose logits of the large classes are computed at once.
_CHUNK = 4096


def learn_like_a_child(
    weight: Tensor, bias: Tensor, rate: float, epochs: int = 20, batch_size: int = 256
) -> Row:
    """Return the row "Learning like a Child": rows of the few classes are trained, from zero.

    They see the samples and all images of the large classes, shuffled together, with SGD and a
    momentum of 0.9. The large classes' rows stay, so all that a step needs of them is the
    logarithm of the sum of their exponentials, which is computed once an image.

    Args:
        weight: Of the classifier's last layer, ``(K, d)``, K classes.
        bias: ``(K,)``.
        rate: Learning rate.
        epochs: Passes over all images.
        batch_size: Images a step.

    Source: 001, section 2.4.1.1 and Table 2-I (after Mao et al., reference 189). The document
    gives no schedule.
    """

    def row(known: Known) -> Scores:
        kept = slice(None) if known.classes is None else torch.from_numpy(known.classes)
        large, large_bias = weight.detach()[kept].float(), bias.detach()[kept].float()
        few = known.support.reshape(-1, known.support.shape[-1])
        images = torch.from_numpy(np.concatenate([known.activations, few])).float()
        # 0 stands for all large classes together.
        novel = few_labels(known) - len(known.means) + 1
        targets = torch.from_numpy(np.concatenate([np.zeros_like(known.labels), novel]))
        rest = torch.cat(
            [(part @ large.T + large_bias).logsumexp(dim=1) for part in images.split(_CHUNK)]
        )
        new = torch.zeros(len(known.support), images.shape[1], requires_grad=True)
        new_bias = torch.zeros(len(known.support), requires_grad=True)
        optimizer = torch.optim.SGD([new, new_bias], lr=rate, momentum=0.9)
        rng = np.random.default_rng(known.seed)
        for _ in range(epochs):
            order = torch.from_numpy(rng.permutation(len(images)))
            for rows in order.split(batch_size):
                logits = torch.cat([rest[rows, None], images[rows] @ new.T + new_bias], dim=1)
                optimizer.zero_grad()
                F.cross_entropy(logits, targets[rows]).backward()
                optimizer.step()
        whole = torch.cat([large, new.detach()]).numpy()
        offsets = torch.cat([large_bias, new_bias.detach()]).numpy()
        return lambda queries: queries @ whole.T + offsets

    return row


def choose_rate(
    bank: ActivationBank,
    weight: Tensor,
    bias: Tensor,
    shots: int = 1,
    rates: Sequence[float] = RATES,
) -> float:
    """Return the learning rate with the largest harmonic mean on pseudo-novel classes.

    These are large classes whose rows are taken away and learnt again from a few of their images
    (:class:`mmvisx.analysis.Balance`); no image of a real few class is looked at.

    Args:
        bank: Of the large classes' training images.
        weight: Of the classifier's last layer, ``(K, d)``.
        bias: ``(K,)``.
        shots: Samples a class.
        rates: To choose of; of equal ones the first.
    """
    search = Balance(shots=shots, draws=3, offsets=(0.0,))
    found = [
        search.measure(bank, learn_like_a_child(weight, bias, rate)).harmonic[0] for rate in rates
    ]
    return rates[int(np.argmax(found))]


def searched_child(bank: ActivationBank, weight: Tensor, bias: Tensor) -> Row:
    """Return the row with a learning rate of its own for each number of samples.

    Args:
        bank: Of the large classes' training images.
        weight: Of the classifier's last layer, ``(K, d)``.
        bias: ``(K,)``.
    """
    chosen: dict[int, float] = {}

    def row(known: Known) -> Scores:
        shots = known.support.shape[1]
        if shots not in chosen:
            chosen[shots] = choose_rate(bank, weight, bias, shots)
        return learn_like_a_child(weight, bias, chosen[shots])(known)

    return row
