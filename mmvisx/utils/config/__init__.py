"""Read configs, change them by options, say what is wrong in them."""

from .options import apply_options, check_key, load_config, walk

__all__ = [
    'apply_options',
    'check_key',
    'load_config',
    'walk',
]
