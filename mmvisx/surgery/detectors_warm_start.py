"""Start RFP and SAC from the weights of the same detector without them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor, nn

from mmvisx.utils.errors import UserError

__all__ = ['warm_start_detectors']

# What RFP and SAC add, and initialise so that it has no effect.
ADDED = re.compile(
    r'\.(weight_diff$|switch\.|pre_context\.|post_context\.|offset_[sl]\.|rfp_conv\.)'
    r'|^neck\.rfp_(aspp|weight)\.'
)
FURTHER = re.compile(r'^neck\.rfp_modules\.\d+\.')


def warm_start_detectors(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Load the weights of a detector into the same one with RFP, SAC or both, in place.

    The new parts keep the values that the model has been initialised with, under which they
    have no effect; the backbones of the further steps become copies of the first. So the model
    computes what the other one did, up to rounding, and starts training from there.

    Args:
        model: With fresh weights (``init_weights``).
        state: State dict of the plain detector, whose convolutions are standardised as the
            model's are.

    Raises:
        UserError: a weight is missing, left over or of another shape. The model is as it was.
    """
    filled: dict[str, Tensor] = {}
    used = set()
    missing = []
    for name, own in model.state_dict().items():
        source = name if name in state else FURTHER.sub('backbone.', name)
        if source in state:
            used.add(source)
            filled[name] = state[source]
            if state[source].shape != own.shape:
                raise UserError(
                    f'{source} has the shape {tuple(state[source].shape)}, the model '
                    f'{tuple(own.shape)}: the two detectors differ in more than RFP and SAC'
                )
        elif ADDED.search(name):
            filled[name] = own
        else:
            missing.append(name)
    left = [name for name in state if name not in used]
    for what, names in (('lacks', missing), ('has weights without a place,', left)):
        if names:
            raise UserError(
                f'the checkpoint {what} {", ".join(names[:3])}{", ..." if names[3:] else ""} '
                f'({len(names)} names): the two detectors must differ in RFP and SAC only'
            )
    model.load_state_dict(filled)
