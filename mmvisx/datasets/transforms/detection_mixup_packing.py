"""mmdet's packing, with the weights of the boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from mmdet.datasets.transforms import PackDetInputs as _PackDetInputs

from mmvisx.registry import TRANSFORMS

from .detection_mixup_weights import WEIGHTS, box_weights, check_listening


@TRANSFORMS.register_module()
class PackDetInputs(_PackDetInputs):
    """Pack image and ground truth; ``gt_instances.weights`` are the boxes' weights.

    The weights are ``(N,)`` float32 tensors, in ``ignored_instances`` too, and ones where
    the pipeline gave the boxes none.

    Args:
        meta_keys: What goes into the meta information if it is there.

    Source: 000, 5.3.1 and Table 5.1 ("weighted loss").
    """

    mapping_table: ClassVar[dict[str, str]] = {**_PackDetInputs.mapping_table, WEIGHTS: 'weights'}

    def __init__(
        self,
        meta_keys: Sequence[str] = (
            'img_id',
            'img_path',
            'ori_shape',
            'img_shape',
            'scale_factor',
            'flip',
            'flip_direction',
            'mixup_ratio',
            'mixup_partner',
        ),
    ) -> None:
        super().__init__(meta_keys)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Return ``inputs`` ``(C, H, W)`` and ``data_samples``.

        Raises:
            UserError: See :func:`~.detection_mixup_weights.box_weights` and
                :func:`~.detection_mixup_weights.check_listening`.
        """
        if 'gt_bboxes' in results:
            results[WEIGHTS] = weights = box_weights(results)
            if (weights != 1).any():
                check_listening('the pipeline')
        return super().transform(results)
