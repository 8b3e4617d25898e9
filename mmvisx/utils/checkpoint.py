"""Read checkpoints and put them into a model, with an error when they do not fit.

Reading runs nothing that a file brings along (:mod:`mmvisx.utils.inert`), also where MMEngine and
the libraries on it read one: their loaders are replaced when this module is imported.
"""

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
from mmengine.runner import checkpoint as mmengine_checkpoint
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

import mmvisx.utils.annotation_formats  # noqa: F401 - takes the place of MMEngine's
from mmvisx.utils.text import similar

from .architecture import Change, rebuild, weights_of
from .checkpoint_file import check_intact
from .download import download
from .errors import UserError
from .inert import class_names, load_inert
from .modules import unwrap
from .trust import TRUST_CHECKPOINT, is_set

# What MMEngine's own checkpoints name besides tensors, and what comes out as plain data.
_USUAL = ('numpy.', 'mmengine.', 'mmcv.', 'addict.', 'builtins.getattr', 'collections.defaultdict')

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
    except UserError:
        raise
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


def _load_file(file: Any, map_location: Any = None, *_: Any, **__: Any) -> Any:
    """Read a checkpoint without running anything; takes the place of MMEngine's function.

    Raises:
        UserError: It cannot be read so, and is not trusted.
        RuntimeError: and others: it is damaged, or no checkpoint.
    """
    try:
        content, names = load_inert(file, map_location)
    except (pickle.UnpicklingError, RecursionError) as error:
        names = class_names(file)
        if is_set(TRUST_CHECKPOINT):
            return _load_trusted(file, map_location, names)
        if not names:
            raise  # no pickle at all
        raise UserError(
            f'checkpoint {file} cannot be read without running what it brings along (it names '
            f'{_listed(names)}). If you know who made it: --trust-checkpoint, which lets it do '
            'anything that you can'
        ) from error
    odd = [name for name in names if not name.startswith(_USUAL)]
    if odd and is_set(TRUST_CHECKPOINT):
        return _load_trusted(file, map_location, names)
    if odd:
        print_log(
            f'checkpoint {file} holds objects of {_listed(odd)}, which are left out: its tensors '
            'and plain values are read, none of its classes is looked for',
            'current',
            logging.WARNING,
        )
    return content


def _load_trusted(file: Any, map_location: Any, names: list[str]) -> Any:
    print_log(
        f'checkpoint {file} is trusted (--trust-checkpoint): reading it imports and calls '
        f'{_listed(names, 20)}',
        'current',
        logging.WARNING,
    )
    return torch.load(file, map_location, weights_only=False)


def _listed(names: list[str], most: int = 5) -> str:
    more = f' and {len(names) - most} more' if len(names) > most else ''
    return ', '.join(names[:most]) + more


def _load_url(url: str, model_dir: Any = None, map_location: Any = None, **_: Any) -> Any:
    return _load_file(download(url), map_location)


# All of MMEngine's loaders (local files, addresses, names of models, object stores) end in these.
for _name, _loader in (('_safe_torch_load', _load_file), ('load_url', _load_url)):
    if not hasattr(mmengine_checkpoint, _name):
        raise ImportError(f'mmengine.runner.checkpoint has no {_name}: mmvisx knows 0.10 only')
    setattr(mmengine_checkpoint, _name, _loader)


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
