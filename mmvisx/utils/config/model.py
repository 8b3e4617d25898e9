"""The model of a config as MMEngine's runner builds it."""

from __future__ import annotations

from mmengine.config import Config, ConfigDict

from mmvisx.utils.errors import UserError

__all__ = ['model_config']


def model_config(cfg: Config) -> ConfigDict:
    """Return a copy of ``cfg.model`` with its data preprocessor.

    As in MMEngine's runner, the preprocessor is the model's own, else the one at the top of the
    config.

    Raises:
        UserError: the config has no model.
    """
    if not cfg.get('model'):
        raise UserError(f'the config {cfg.filename or ""} has no model')
    # A ConfigDict, because mmseg reads test_cfg.mode; made anew, because builders write into it.
    model = ConfigDict(cfg.model.to_dict())
    if cfg.get('data_preprocessor') is not None:
        model.setdefault('data_preprocessor', cfg.data_preprocessor.to_dict())
    return model
