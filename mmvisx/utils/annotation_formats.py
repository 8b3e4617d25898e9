"""Annotations and proposals in formats that can run anything when they are read.

MMEngine reads an ``ann_file`` that ends in ``.pkl`` as a pickle, and one in ``.yaml`` by the reader
that makes objects of any class. What takes the place of its readers when this module is imported
does neither.
"""

from __future__ import annotations

from typing import Any

import yaml
from mmengine.fileio import PickleHandler, YamlHandler, register_handler

from .errors import UserError
from .trust import TRUST_CHECKPOINT, is_set

__all__ = ['RefusingPickleHandler', 'SafeYamlHandler']


@register_handler(['pkl', 'pickle'])
class RefusingPickleHandler(PickleHandler):
    """Writes pickles, and reads them only where checkpoints are trusted."""

    def load_from_fileobj(self, file: Any, **kwargs: Any) -> Any:
        """Refuse.

        Raises:
            UserError: ``--trust-checkpoint`` is not given.
        """
        if not is_set(TRUST_CHECKPOINT):
            raise UserError(
                'a .pkl file is to be read (ann_file or proposal_file of a data set?), which can '
                'run anything: write it as .json, or --trust-checkpoint if you made it yourself'
            )
        return super().load_from_fileobj(file, **kwargs)


@register_handler(['yaml', 'yml'])
class SafeYamlHandler(YamlHandler):
    """Reads plain values only."""

    def load_from_fileobj(self, file: Any, **kwargs: Any) -> Any:
        """Read.

        Raises:
            UserError: There is something else in it, or it is no YAML.
        """
        try:
            return super().load_from_fileobj(file, **{'Loader': yaml.SafeLoader, **kwargs})
        except yaml.YAMLError as error:
            line = ' '.join(str(error).split())
            raise UserError(f'a YAML file is no list of plain values: {line}') from error
