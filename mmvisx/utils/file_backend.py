"""What MMEngine writes into local files (JSON, published weights), written at once or not at all.

Importing this module is all it takes.
"""

from __future__ import annotations

from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from .files import writing

__all__ = ['WholeFileBackend']


class WholeFileBackend(LocalBackend):
    """MMEngine's backend of local files, which writes with :func:`mmvisx.utils.files.writing`."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes.

        Raises:
            UserError: the file cannot be written.
        """
        Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        with writing(filepath, 'wb', len(obj)) as file:
            file.write(obj)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write text.

        Raises:
            UserError: the file cannot be written.
        """
        self.put(obj.encode(encoding), filepath)


register_backend('local', WholeFileBackend, force=True, prefixes='')
