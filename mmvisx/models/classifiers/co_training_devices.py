"""Views of a co-trained model on several devices of one process."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.dist import get_world_size
from torch import Tensor, nn

from mmvisx.utils.errors import UserError

__all__ = ['AtItsDevice', 'devices_of_views']


def devices_of_views(wanted: str | Sequence[str] | None, views: int) -> list[torch.device]:
    """Return the device of each view, in turns; none where views stay where the model is.

    Args:
        wanted: Names of devices; ``'auto'`` for all GPUs, which are none for one of several
            processes; None for no choice.
        views: How many.

    Raises:
        UserError: a name is of no device or of one that is not there, there is no name, or one of
            several processes wants more than one.

    Source: 001, 3.2.5: "automatically spread the models to different devices".
    """
    alone = get_world_size() == 1
    gpus = torch.cuda.device_count()
    if wanted is None:
        return []
    if wanted == 'auto':
        names: Sequence[str] = [f'cuda:{k}' for k in range(gpus)] if alone else []
        return _in_turns(names, views) if len(names) > 1 else []
    if isinstance(wanted, str) or not wanted:
        raise UserError(f"devices={wanted!r} should be 'auto' or a list as ['cuda:0', 'cuda:1']")
    if not alone:
        raise UserError(
            f'devices={list(wanted)}: each of several processes has a device of its own, where all '
            'views are; leave devices out, or train in one process'
        )
    found = _in_turns(wanted, views)
    for device in found:
        if device.type == 'cuda' and (device.index or 0) >= gpus:
            raise UserError(
                f'devices={list(wanted)}: there is no {device}, but {gpus} GPUs; name fewer, or '
                "'auto' for those that are there"
            )
    return found


def _in_turns(names: Sequence[str], views: int) -> list[torch.device]:
    try:
        return [torch.device(names[k % len(names)]) for k in range(views)]
    except RuntimeError as error:
        raise UserError(f'devices={list(names)}: {str(error).splitlines()[0]}') from error


class AtItsDevice(nn.Module):
    """A network that takes images from any device, and brings its scores back there.

    Args:
        network: Has weights, all on one device.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Return scores ``(N, K)`` of images ``(N, C, H, W)``, on the device of the images."""
        device = next(self.network.parameters()).device
        scores: Tensor = self.network(images.to(device, non_blocking=True))
        return scores.to(images.device)
