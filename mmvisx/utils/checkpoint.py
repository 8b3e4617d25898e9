"""Read checkpoints and put them into a model, with an error when they do not fit."""

from __future__ import annotations

import logging
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log
from mmengine.model import BaseTTAModel
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from mmvisx.utils.text import similar

from .architecture import Change, rebuild, weights_of
from .checkpoint_file import check_intact
from .errors import UserError
from .modules import unwrap

# Below this share of matching weights, fine-tuning is a mistake and not a new class list.
MIN_MATCH = 0.5


def read_checkpoint(path: str | Path, map_location: Any = 'cpu') -> dict[str, Any]:
    """Read a checkpoint file (or a URL, ``torchvision://`` name, ...).

    Raises:
        UserError: the file does not exist, is cut off, or is not a checkpoint.
    """
    name = str(path)
    is_local = '://' not in name
    file = Path(name).expanduser()
    if is_local and not file.is_file():
        if file.is_dir():
            raise UserError(f'checkpoint {file} is a folder; name the .pth file')
        siblings = [p.name for p in file.parent.glob('*.pth')] if file.parent.is_dir() else []
        raise UserError(f'checkpoint {file} does not exist{similar(file.name, siblings)}')
    if is_local and file.stat().st_size == 0:
        raise UserError(f'checkpoint {file} is empty (0 bytes): it was not written completely')
    if is_local:
        check_intact(file)
    try:
        checkpoint = CheckpointLoader.load_checkpoint(name, map_location)
    except (
        RuntimeError,
        EOFError,
        pickle.UnpicklingError,
        zipfile.BadZipFile,
        ValueError,
        KeyError,
        IndexError,
        AttributeError,
        ImportError,
        TypeError,
        OSError,
    ) as error:
        what = _read_fault(name, is_local, error)
        raise UserError(f'checkpoint {name} {what}: {str(error).splitlines()[0]}') from error
    if not isinstance(checkpoint, Mapping) or not _has_weights(checkpoint):
        raise UserError(f'checkpoint {name} holds no weights (no state_dict of tensors)')
    return checkpoint  # type: ignore[return-value]


def _read_fault(name: str, is_local: bool, error: Exception) -> str:
    """Say what is wrong with a checkpoint; of torch.load's error, only how it came is known."""
    if is_local:
        # What torch.load raises depends on which byte it stumbles over.
        cut = Path(name).expanduser().read_bytes()[:2] == b'PK'
        damage = 'is cut off or damaged (an interrupted copy or a full disk?); take an earlier one'
        return damage if cut else 'is not a PyTorch checkpoint'
    if isinstance(error, KeyError):
        return 'is no name that MMEngine knows an address for'
    if isinstance(error, OSError):
        return (
            'cannot be downloaded (fetch the file elsewhere and give its path instead, or put it '
            f'into {torch.hub.get_dir()}/checkpoints under the name it has at its address)'
        )
    return 'is not a PyTorch checkpoint'


def _has_weights(checkpoint: Mapping[str, Any]) -> bool:
    state = checkpoint.get('state_dict', checkpoint)
    return isinstance(state, Mapping) and any(isinstance(v, Tensor) for v in state.values())


@dataclass
class Fit:
    """How a state dict fits a model; names of the entries that do not."""

    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    mismatched: list[str] = field(default_factory=list)
    loaded: int = 0  # number of parameter and buffer values that were loaded
    total: int = 0  # number of values in the model

    @property
    def exact(self) -> bool:
        """Whether model and checkpoint have the same entries."""
        return not (self.missing or self.unexpected or self.mismatched)

    def __str__(self) -> str:
        share = 100 * self.loaded / max(self.total, 1)
        parts = [f"{share:.1f} % of the model's values found in the checkpoint"]
        for title, names in (
            ('of another shape', self.mismatched),
            ('missing in the checkpoint', self.missing),
            ('unknown to the model', self.unexpected),
        ):
            if names:
                more = ', ...' if len(names) > 3 else ''
                parts.append(f'{len(names)} {title}: {", ".join(names[:3])}{more}')
        return '; '.join(parts)


def load_weights(
    model: nn.Module,
    checkpoint: Mapping[str, Any],
    source: str | Path,
    mode: str = 'exact',
    before_weights: Callable[[list[Change]], None] | None = None,
) -> Fit:
    """Load the weights of ``checkpoint`` into ``model``, which is rebuilt for them.

    What was done to the checkpoint's network after its config had built it (pruning, say) is done
    to ``model`` first, by :data:`~mmvisx.registry.ARCHITECTURES`; one that has been rebuilt already
    is left alone.

    Args:
        source: where the checkpoint came from, for the messages.
        mode: ``'exact'``: every entry must be there with its shape, and no other (resume,
            test, demo). ``'finetune'``: other entries are counted and reported, but half of
            the model's values must be found. ``'partial'``: reported only.
        before_weights: Called between rebuilding and loading with what was changed, none
            included: optimizers and averages of the model's parameters have to follow.

    Raises:
        UserError: the checkpoint does not fit. The model may be changed by then.
    """
    if mode not in ('exact', 'finetune', 'partial'):
        raise ValueError(f"mode={mode!r} is not 'exact', 'finetune' or 'partial'")
    model = unwrap(model, BaseTTAModel)
    changes = rebuild(model, checkpoint, source)
    if before_weights is not None:
        before_weights(changes)
    fit = _load(model, checkpoint, source)
    if fit.exact:
        return fit
    if mode == 'exact':
        raise UserError(
            f'checkpoint {source} is of another model than the config: {fit}. Use the config that '
            'the checkpoint was trained with (it stands beside it in the work dir), '
            'or --allow-partial if the difference is meant'
        )
    if mode == 'finetune' and fit.loaded < MIN_MATCH * fit.total:
        raise UserError(
            f'checkpoint {source} is of another model than the config: {fit}. To start from '
            'ImageNet weights of a backbone use model.backbone.init_cfg instead of load_from'
        )
    print_log(f'checkpoint {source} loaded in part: {fit}', 'current', logging.WARNING)
    return fit


def _load(model: nn.Module, checkpoint: Mapping[str, Any], source: str | Path) -> Fit:
    raw: Mapping[str, Any] = checkpoint.get('state_dict', checkpoint)
    state = weights_of(checkpoint)
    own = model.state_dict()
    fit = Fit(total=sum(v.numel() for v in own.values()))
    for key in [k for k, v in state.items() if k in own and own[k].shape != v.shape]:
        fit.mismatched.append(f'{key} {tuple(state[key].shape)} for {tuple(own[key].shape)}')
        del state[key]
    different = {text.split(' ')[0] for text in fit.mismatched}
    metadata = getattr(raw, '_metadata', None)
    if metadata is not None:
        state = _with_metadata(state, metadata)
    try:
        keys = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise UserError(f'checkpoint {source} does not fit the model: {error}') from error
    fit.missing = [
        k for k in keys.missing_keys if k not in different and 'num_batches_tracked' not in k
    ]
    fit.unexpected = [k for k in keys.unexpected_keys if 'num_batches_tracked' not in k]
    absent = different.union(keys.missing_keys)
    fit.loaded = sum(v.numel() for k, v in own.items() if k not in absent)
    return fit


def _with_metadata(state: dict[str, Tensor], metadata: Any) -> dict[str, Tensor]:
    ordered: OrderedDict[str, Tensor] = OrderedDict(state)
    ordered._metadata = metadata  # type: ignore[attr-defined]
    return ordered
