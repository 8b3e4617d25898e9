"""Put a head with predicted weights into a classifier, and again when its checkpoint is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mmvisx.models.heads.few_shot_predicted import PredictedHead
from mmvisx.registry import ARCHITECTURES
from mmvisx.utils.architecture import Change
from mmvisx.utils.errors import UserError

__all__ = ['KEY', 'taught_entry', 'teach_head']

KEY = 'few_shot'


def teach_head(
    model: nn.Module, predictor: dict[str, Any], num_large: int, few: str = 'max'
) -> PredictedHead:
    """Put a :class:`mmvisx.PredictedHead` in the place of a classifier's head.

    Args:
        model: An mmpretrain classifier; changed in place.
        predictor: Config of the parameter predictor.
        num_large: Number of its classes.
        few: See :class:`mmvisx.PredictedHead`.

    Returns:
        The new head, without weights of classes yet.

    Raises:
        UserError: The model has no head with ``pre_logits``, or is taught already.
    """
    head = getattr(model, 'head', None)
    if isinstance(head, PredictedHead):
        raise UserError('this classifier is taught already: add classes to its head')
    if not hasattr(head, 'pre_logits'):
        raise UserError(
            f'{type(model).__name__} cannot be taught: its head does not say what comes before its '
            'last layer (pre_logits), as the heads of mmpretrain do'
        )
    taught = PredictedHead(predictor, num_large, few, before=head)
    taught.train(model.training)
    reference = next(model.parameters())
    model.head = taught.to(reference.device)
    return taught


def taught_entry(head: PredictedHead) -> dict[str, Any]:
    """Return what a checkpoint has to say so that the head can be built again."""
    return dict(
        predictor=dict(
            type='mmvisx.ParameterPredictor',
            channels=head.channels,
            depth=len(head.predictor.layers),
        ),
        num_large=head.num_large,
        few=head.few,
    )


@ARCHITECTURES.register_module(name=KEY)
def rebuild_taught(
    model: nn.Module, entry: Mapping[str, Any], state: Mapping[str, Tensor]
) -> list[Change]:
    """Teach a network fresh from its config, with as many classes as the checkpoint's has.

    Args:
        model: The network.
        entry: Of :func:`taught_entry`.
        state: The checkpoint's weights, tensors ``(...)`` by name.
    """
    head = model.head if isinstance(model.head, PredictedHead) else teach_head(model, **entry)
    own = {key[5:]: v for key, v in state.items() if key.startswith('head.')}
    head.shape_as(own)
    # A config with all classes has more of them in the layer that was learnt; it is kept for
    # figures only.
    for name, layer in head.named_modules():
        weight = own.get(f'{name}.weight')
        if isinstance(layer, nn.Linear) and weight is not None:
            _resize(layer, len(weight))
    return []


def _resize(layer: nn.Linear, rows: int) -> None:
    if rows == layer.out_features:
        return
    layer.out_features = rows
    layer.weight = nn.Parameter(layer.weight.new_zeros(rows, layer.in_features))
    if layer.bias is not None:
        layer.bias = nn.Parameter(layer.bias.new_zeros(rows))
