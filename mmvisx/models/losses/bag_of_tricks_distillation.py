"""The soft term of knowledge distillation (000, 2.5.3)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from mmvisx.utils.errors import UserError

__all__ = ['distillation_loss']


def distillation_loss(student: Tensor, teacher: Tensor, temperature: float = 20.0) -> Tensor:
    """Return ``T^2 * l(softmax(r/T), softmax(z/T))``, the mean over a batch (Eq. 2.6).

    ``l`` is the cross entropy, computed in float32 or better. It contains the teacher's own
    entropy, which no student can lower: at T = 20 the value is close to ``T^2 log K``. The
    gradient has no such part; with respect to z it is ``T * (softmax(z/T) - softmax(r/T))``,
    which for large T becomes ``(z - r) / K`` of scores whose mean is taken off.

    Args:
        student: Scores z before the softmax, ``(N, K)``.
        teacher: Scores r, ``(N, K)``; no gradient goes into them.
        temperature: T, above 0.

    Raises:
        UserError: T is not positive, or the two have different shapes.

    Source: 000, Eq. 2.6, second term.
    """
    if not temperature > 0:
        raise UserError(f'temperature={temperature!r} should be above 0')
    if student.shape != teacher.shape:
        raise UserError(
            f'the teacher gives scores of shape {tuple(teacher.shape)}, the student of '
            f'{tuple(student.shape)}; both need the same classes'
        )
    if student.dtype.itemsize < 4:  # T^2 = 400 leaves few digits of a half
        student = student.float()
    target = F.softmax(teacher.detach().to(student.dtype) / temperature, dim=1)
    return temperature**2 * F.cross_entropy(student / temperature, target)
