"""Put predicted weights into a detector's box head, and again when its checkpoint is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mmvisx.models.heads.few_shot_boxes import TaughtBoxes
from mmvisx.registry import ARCHITECTURES
from mmvisx.utils.architecture import Change
from mmvisx.utils.errors import UserError

from .few_shot import taught_entry

__all__ = ['BOXES_KEY', 'box_head_of', 'taught_boxes_entry', 'teach_boxes']

BOXES_KEY = 'few_shot_boxes'


def teach_boxes(model: nn.Module, predictor: dict[str, Any], few: str = 'mean') -> TaughtBoxes:
    """Put a :class:`TaughtBoxes` in the place of the last layer of a detector's box head.

    Args:
        model: A two-stage detector of mmdet with one box head; changed in place.
        predictor: Config of the parameter predictor.
        few: See :class:`mmvisx.PredictedHead`.

    Returns:
        The new layer.

    Raises:
        UserError: The model has no such head, or one that draws boxes for each class apart, or that
            is trained without a background class.
    """
    head = box_head_of(model)
    if isinstance(head.fc_cls, TaughtBoxes):
        raise UserError('this detector is taught already: add classes to it')
    taught = TaughtBoxes(head.fc_cls, predictor, few)
    taught.train(model.training)
    head.fc_cls = taught.to(next(model.parameters()).device)
    return taught


def box_head_of(model: nn.Module) -> Any:
    """Return the box head of a detector that can be taught.

    Raises:
        UserError: It cannot.
    """
    head: Any = getattr(getattr(model, 'roi_head', None), 'bbox_head', None)
    if not isinstance(getattr(head, 'fc_cls', None), nn.Linear | TaughtBoxes):
        raise UserError(
            f'{type(model).__name__} cannot be taught: it needs one box head with a linear last '
            'layer (fc_cls), as FasterRCNN with Shared2FCBBoxHead has it'
        )
    if head.with_reg and not head.reg_class_agnostic:
        raise UserError(
            f'{type(model).__name__} draws boxes for each class apart, and would have none for a '
            'new one: train it with roi_head.bbox_head.reg_class_agnostic=True'
        )
    if head.loss_cls.use_sigmoid or head.custom_cls_channels:
        raise UserError(
            f'{type(head.loss_cls).__name__} of {type(head).__name__} has no class for the '
            'background: train it with CrossEntropyLoss(use_sigmoid=False)'
        )
    return head


def taught_boxes_entry(taught: TaughtBoxes) -> dict[str, Any]:
    """Return what a checkpoint has to say so that the layer can be built again."""
    entry = taught_entry(taught.taught)
    del entry['num_large']
    return entry


@ARCHITECTURES.register_module(name=BOXES_KEY)
def rebuild_taught_boxes(
    model: nn.Module, entry: Mapping[str, Any], state: Mapping[str, Tensor]
) -> list[Change]:
    """Teach a detector fresh from its config, with as many classes as the checkpoint's has.

    Args:
        model: The network.
        entry: Of :func:`taught_boxes_entry`.
        state: The checkpoint's weights, tensors ``(...)`` by name.
    """
    head = box_head_of(model)
    taught = head.fc_cls if isinstance(head.fc_cls, TaughtBoxes) else teach_boxes(model, **entry)
    prefix = 'roi_head.bbox_head.fc_cls.taught.'
    taught.taught.shape_as({k.removeprefix(prefix): v for k, v in state.items() if prefix in k})
    head.num_classes = taught.taught.num_classes
    return []
