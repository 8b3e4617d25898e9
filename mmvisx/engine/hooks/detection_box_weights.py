"""Let the weights that mixup gives to boxes reach the loss."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmvisx.datasets.transforms.detection_mixup_weights import LISTENING
from mmvisx.registry import HOOKS
from mmvisx.surgery.detection_box_weights import weight_box_losses
from mmvisx.utils.modules import unwrap

__all__ = ['BoxWeightsHook']


@HOOKS.register_module()
class BoxWeightsHook(Hook):
    """Multiply every loss term that a ground-truth box causes by the box's weight.

    One line in a config turns it on for any detector that the mechanism knows::

        custom_hooks = [*_base_.custom_hooks, dict(type='mmvisx.BoxWeightsHook')]

    It works on the built model (:func:`mmvisx.surgery.weight_box_losses`, which says
    what a box causes), so a resumed training has it as well, and distributed and mixed-precision
    training need nothing else. Every training pipeline must end with
    ``mmvisx.PackDetInputs``. Without the hook, a pipeline that makes weights is refused.

    Raises:
        UserError: the detector has a head, sampler or loss that would not be weighted; at the
            first step, images come without weights.

    Source: 000, 5.3.1 and Table 5.1 ("weighted loss").
    """

    def before_train(self, runner: Runner) -> None:
        """Convert the model, and let the pipelines know."""
        weight_box_losses(unwrap(runner.model))
        # Not resumed: the hook may be gone from the config by then.
        runner.message_hub.update_info(LISTENING, True, resumed=False)
