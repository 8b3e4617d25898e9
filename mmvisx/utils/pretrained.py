"""Refuse pretrained weights that are not the module's, which MMEngine only logs."""

from __future__ import annotations

from typing import Any

from torch import nn

from .checkpoint import MIN_MATCH, load_weights, read_checkpoint
from .errors import UserError

__all__ = ['check_pretrained']


def check_pretrained(module: nn.Module) -> None:
    """Load the checkpoint that ``module.init_cfg`` names, if it is one, and look at the fit.

    MMEngine takes what fits and goes on: with a wrong ``prefix`` or another depth that is
    nothing, and a transfer starts from random weights.

    Raises:
        UserError: The checkpoint does not exist, is damaged, or has less than half of the
            module's values below ``prefix``.
    """
    cfg: Any = getattr(module, 'init_cfg', None)
    if not isinstance(cfg, dict) or cfg.get('type') != 'Pretrained':
        return
    source = cfg['checkpoint']
    checkpoint = read_checkpoint(source)
    state = {
        key.removeprefix('module.'): value
        for key, value in checkpoint.get('state_dict', checkpoint).items()
    }
    prefix = cfg.get('prefix')
    if prefix:
        prefix = prefix.rstrip('.') + '.'
        below = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    else:
        below = state
    fit = load_weights(module, {'state_dict': below}, source, 'partial')
    if fit.loaded < MIN_MATCH * fit.total:
        heads = sorted({key.split('.')[0] for key in state})
        raise UserError(
            f'init_cfg of {type(module).__name__}: checkpoint {source} does not hold its weights '
            f'below prefix={prefix!r}: {fit}. The names in the file begin with '
            f'{", ".join(heads[:6])}; a classifier of this package needs '
            "prefix='backbone.', torchvision's files none. Or is the file of another depth or "
            'variant?'
        )
