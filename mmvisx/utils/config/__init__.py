"""Read configs, change them by options, say what is wrong in them."""

from .options import OptionAction, add_config_options, apply_options, check_key, load_config, walk

__all__ = [
    'OptionAction',
    'add_config_options',
    'apply_options',
    'check_key',
    'load_config',
    'walk',
]
