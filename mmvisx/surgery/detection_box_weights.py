"""Let the weights of ground-truth boxes reach the loss of any detector that is known.

Detection mixup gives every box a weight (``gt_instances.weights``). A weight reaches the
loss in two steps, the same for all families of detectors:

1. the sampler notes which weight belongs to each positive sample
   (``sampling_result.pos_gt_weights``); FCOS has no sampler, so its boxes are numbered
   while it assigns points to them;
2. the head multiplies the rows of its loss terms by these weights
   (:mod:`.detection_weighted_heads`, one thin subclass per family).

:func:`weight_box_losses` gives a built detector those subclasses. No parameter, buffer or
name changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmdet.models import losses as det_losses
from mmdet.models.dense_heads import (
    AnchorHead,
    ATSSHead,
    FCOSHead,
    RPNHead,
    SSDHead,
    YOLOV3Head,
)
from mmdet.models.detectors import RPN, SingleStageDetector, TwoStageDetector
from mmdet.models.losses.cross_entropy_loss import mask_cross_entropy
from mmdet.models.roi_heads import CascadeRoIHead, HybridTaskCascadeRoIHead, StandardRoIHead
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.models.roi_heads.mask_heads import FCNMaskHead, FusedSemanticHead
from mmdet.models.task_modules.samplers import BaseSampler, PseudoSampler
from torch import nn

from mmvisx.models.heads.detection_yolov3_head import SizeWeightedYOLOV3Head
from mmvisx.utils.errors import UserError
from mmvisx.utils.modules import mix_in

from .detection_weighted_heads import (
    BoxWeightedAnchorHead,
    BoxWeightedATSSHead,
    BoxWeightedBBoxHead,
    BoxWeightedFCOSHead,
    BoxWeightedMaskHead,
    BoxWeightedSampler,
    BoxWeightedYOLOV3Head,
)

__all__ = ['FAMILIES', 'LOSSES', 'weight_box_losses']

FAMILIES: dict[type, type | None] = {
    AnchorHead: BoxWeightedAnchorHead,
    RPNHead: BoxWeightedAnchorHead,
    SSDHead: BoxWeightedAnchorHead,
    ATSSHead: BoxWeightedATSSHead,
    FCOSHead: BoxWeightedFCOSHead,
    YOLOV3Head: BoxWeightedYOLOV3Head,
    SizeWeightedYOLOV3Head: BoxWeightedYOLOV3Head,
    BBoxHead: BoxWeightedBBoxHead,
    FCNMaskHead: BoxWeightedMaskHead,
    # These pass boxes and sampling results on; their own code stays as it is.
    SingleStageDetector: None,
    TwoStageDetector: None,
    RPN: None,
    StandardRoIHead: None,
    CascadeRoIHead: None,
    HybridTaskCascadeRoIHead: None,
    # No box causes its loss.
    FusedSemanticHead: None,
}
"""What a module may be, and the subclass that weights its loss (none: nothing to do).

A module belongs to a family if it is a subclass that inherits every method that has to do
with losses and targets. To teach the mechanism another head, add it here.
"""

LOSSES: list[type[nn.Module]] = [
    det_losses.BalancedL1Loss,
    det_losses.BoundedIoULoss,
    det_losses.CIoULoss,
    det_losses.CrossEntropyLoss,
    det_losses.DIoULoss,
    det_losses.EIoULoss,
    det_losses.FocalLoss,
    det_losses.GIoULoss,
    det_losses.IoULoss,
    det_losses.L1Loss,
    det_losses.MSELoss,
    det_losses.SeesawLoss,
    det_losses.SmoothL1Loss,
]
"""Losses that multiply the loss of each row by the argument ``weight``; subclasses, too.

GHM, for example, only asks whether a weight is positive. A loss of one's own that does
multiply can be appended.
"""


def weight_box_losses(model: nn.Module) -> nn.Module:
    """Multiply every loss term that a ground-truth box causes by the box's weight, in place.

    The weights are ``data_sample.gt_instances.weights``, ``(num_boxes,)``, in [0, 1]; from here
    on every image must have them (``mmvisx.PackDetInputs`` writes ones where a pipeline made
    none), so that none are lost in silence. What a box causes: in anchor heads (RetinaNet, SSD,
    RPN) and point heads (FCOS, ATSS) the class, box and centre-ness terms of the positions
    assigned to it; in YOLOv3 objectness, class, centre and size of its anchor; in every RoI
    stage the class and box terms of the proposals assigned to it, and their masks. Negative
    positions and HTC's semantic head belong to no box and keep their loss.

    Only terms are multiplied; assignment, sampling, hard-negative mining and the divisor
    (``avg_factor``: counts, and centre-ness sums, of assigned positions) do not see the
    weights. So weights of 1 change nothing, bit for bit; the loss and its gradients are
    linear in each weight; and a box of weight 0 adds nothing, but its positions do not turn
    into negatives.

    Args:
        model: A built detector of mmdet's kind. The classes of its heads and samplers are
            replaced by subclasses, so parameters, names and checkpoints stay. Doing it
            twice is the same as once.

    Returns:
        ``model``.

    Raises:
        UserError: the model has a head, RoI head, sampler or loss whose terms would not
            come out weighted. Nothing is changed then.

    Source: 000, 5.3.1 and Table 5.1 ("weighted loss").
    """
    plan, faults = _plan(model)
    if faults:
        raise UserError(
            f'cannot weight the losses of {type(model).__name__} by the weights of the boxes: '
            f'unknown are {", ".join(faults)}. Train it without weights, or add what is '
            'missing to FAMILIES or LOSSES in mmvisx.surgery.detection_box_weights'
        )
    if not plan:
        raise UserError(f'model={type(model).__name__} has no detection head to weight')
    for part, weighted in plan:
        mix_in(part, weighted)
    return model


def _plan(model: nn.Module) -> tuple[list[tuple[Any, type]], list[str]]:
    """Return parts with the class that is mixed into each, and names of what cannot be weighted."""
    plan: list[tuple[Any, type]] = []
    faults: list[str] = []
    for name, module in model.named_modules():
        if not _has_losses(type(module)):
            continue
        family = _family(type(module))
        if family is None:
            faults.append(f'{name or "model"} ({type(module).__name__})')
            continue
        weighted = FAMILIES[family]
        if weighted is not None:
            plan.append((module, weighted))
            faults += _unfit_losses(name, module)
        for sampler in _samplers(module):
            if type(sampler).sample in (BaseSampler.sample, PseudoSampler.sample):
                plan.append((sampler, BoxWeightedSampler))
            elif not isinstance(sampler, BoxWeightedSampler):
                faults.append(f'sampler of {name} ({type(sampler).__name__})')
    return plan, faults


def _loss_methods(cls: type) -> list[str]:
    """Return the names of the methods that make losses or their targets."""
    return [
        name
        for name in dir(cls)
        if ('loss' in name.split('_') or name.strip('_').startswith('get_targets'))
        and callable(getattr(cls, name))
    ]


def _has_losses(cls: type) -> bool:
    return any('loss' in name.split('_') for name in _loss_methods(cls))


def _family(cls: type) -> type | None:
    """Return the key of :data:`FAMILIES` whose loss code the class runs, or None."""
    for base in cls.__mro__:
        weighted = FAMILIES.get(base)
        if weighted is not None and issubclass(cls, weighted):
            return base  # done before
        if base in FAMILIES and all(
            getattr(cls, name) is getattr(base, name, None) for name in _loss_methods(cls)
        ):
            return base
    return None


def _unfit_losses(name: str, head: nn.Module) -> Iterator[str]:
    """Yield the losses of a head that do not multiply their rows by a weight."""
    for attribute, loss in head.named_children():
        if not attribute.startswith('loss'):
            continue
        fits = isinstance(loss, tuple(LOSSES))
        if isinstance(head, FCNMaskHead):
            fits = fits and getattr(loss, 'cls_criterion', None) is mask_cross_entropy
        if not fits:
            yield f'{name}.{attribute} ({type(loss).__name__})'


def _samplers(module: nn.Module) -> list[Any]:
    """Return the samplers of a head or RoI head."""
    found: list[Any] = []
    for attribute in ('sampler', 'bbox_sampler'):
        sampler = getattr(module, attribute, None)
        found += sampler if isinstance(sampler, list) else [sampler]
    return [sampler for sampler in found if sampler is not None]
