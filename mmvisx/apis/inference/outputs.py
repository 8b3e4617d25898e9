"""The folder of pictures and predictions that an inferencer writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from mmvisx.utils.errors import UserError

__all__ = ['OutputFolder']


class OutputFolder:
    """``vis/`` and ``preds/`` inside a folder, and names in them that no two images share.

    Args:
        folder: Made if it is not there.
        paths: Of the images, as far as they are known before.
        short: Call what is written like the image without its ending, unless another image of
            ``paths`` differs in nothing else.

    Raises:
        UserError: The folder cannot be made, or writing into it could replace an image of
            ``paths``.
    """

    def __init__(self, folder: str | Path, paths: Iterable[str] = (), short: bool = False) -> None:
        self.vis, self.preds = (Path(folder).expanduser() / name for name in ('vis', 'preds'))
        self._short = short
        self._taken: set[str] = set()
        self._stems: Counter[str] = Counter()
        for path in paths:
            self._refuse_own(path)
            self._stems[Path(path).stem] += 1
        for target in (self.vis, self.preds):
            try:
                target.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UserError(f'cannot make the folder {target}: {error.strerror}') from error

    def name(self, path: str) -> str:
        """Return how to call what is written of an image; the second of a name gets a number.

        Raises:
            UserError: The image lies where the results go.
        """
        self._refuse_own(path)
        name, stem = Path(path).name, Path(path).stem
        if self._short and self._stems[stem] <= 1 and stem not in self._taken:
            name = stem
        number, ending = 1, Path(name).suffix
        free = name
        while free in self._taken:
            number += 1
            free = f'{name.removesuffix(ending)}_{number}{ending}'
        self._taken.add(free)
        return free

    def _refuse_own(self, path: str) -> None:
        """Raise an error if the image could be replaced by a result of the same name."""
        if Path(path).parent.resolve() in (self.vis.resolve(), self.preds.resolve()):
            raise UserError(
                f'image {path} lies where the results are written; take another out_dir than '
                f'{self.vis.parent}'
            )
