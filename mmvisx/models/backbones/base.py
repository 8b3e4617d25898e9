"""What the backbones of this package have in common."""

from __future__ import annotations

from typing import ClassVar

from mmengine.model import BaseModule

from mmvisx.utils.pretrained import check_pretrained

__all__ = ['CheckedInit']


class CheckedInit(BaseModule):
    """Refuse pretrained weights that are another network's; to be put before a library's class.

    Attributes:
        new_parts: Regular expressions for names of parameters and buffers that a pretrained
            checkpoint need not have, because the network adds them to what was pretrained.
    """

    new_parts: ClassVar[tuple[str, ...]] = ()

    def init_weights(self) -> None:
        """Draw the weights, or load them.

        Raises:
            UserError: see :func:`check_pretrained`.
        """
        check_pretrained(self, self.new_parts)
        super().init_weights()
