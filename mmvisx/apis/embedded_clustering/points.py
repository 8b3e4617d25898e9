"""The pictures of a folder as points, and how they were made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmvisx.apis.run import prepare_config
from mmvisx.datasets.features.embedded_clustering.hog import hog_colour
from mmvisx.datasets.features.embedded_clustering.images import list_pictures, picture_vectors
from mmvisx.utils.progress import progress

from .features import backbone_vectors

__all__ = ['Network', 'Points', 'read_points']

SIDE = 96  # pixels that pictures are resized to for gradients: the document's


class Network(NamedTuple):
    """A network whose backbone makes vectors of pictures.

    Attributes:
        config: Its file or name.
        checkpoint: The file of its weights.
        options: That change the config.
        device: That it runs on.
    """

    config: str
    checkpoint: str
    options: Mapping[str, Any]
    device: str


class Points(NamedTuple):
    """Pictures of a folder.

    Attributes:
        vectors: ``(n, D)`` float32.
        names: Of the n pictures, below the folder.
        broken: What is wrong with each of the others.
        kind: How the vectors were made, in words and numbers; the same for points that can be
            compared.
    """

    vectors: np.ndarray
    names: list[str]
    broken: dict[str, str]
    kind: dict[str, Any]

    @property
    def said(self) -> str:
        """How the vectors were made, in words."""
        return ', '.join(str(value) for value in self.kind.values())


def read_points(folder: str | Path, network: Network | None = None) -> Points:
    """Return the pictures of a folder, and all in it, as gradients and colours or features.

    Broken pictures are left out and listed.

    Raises:
        UserError: There is no folder, no picture or none that can be read, or the network does not
            fit.
    """
    folder = Path(folder)
    files = list_pictures(folder).files
    shown = progress(files, 'reading pictures', total=len(files))
    if network is None:
        vectors, kept, skipped = picture_vectors(shown, hog_colour, SIDE)
        kind: dict[str, Any] = dict(made=f'gradients and colours of {SIDE}x{SIDE} pixels')
    else:
        cfg = prepare_config(network.config, options=dict(network.options))
        vectors, kept, skipped = backbone_vectors(cfg, network.checkpoint, shown, network.device)
        kind = dict(
            made=f'{vectors.shape[1]} features of {cfg.model.backbone.type}',
            weights=f'weights {_digest(network.checkpoint)}',
        )
    rest = sorted(set(range(len(files))) - set(kept))
    broken = {
        _name(files[place], folder): fault.removeprefix(f'{files[place]}: ')
        for place, fault in zip(rest, skipped, strict=True)
    }
    return Points(vectors, [_name(files[place], folder) for place in kept], broken, kind)


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _digest(path: str) -> str:
    """Return what tells the content of a file from others."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]
