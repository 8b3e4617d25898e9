"""One child registry per MMEngine root that this package adds to.

Importing this module is all it takes: a config that names ``mmvisx.Name`` makes
MMEngine import ``mmvisx.registry``, and the first lookup imports the package
given as ``locations``.
"""

from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import Registry

__all__ = ['DATASETS', 'HOOKS', 'METRICS', 'MODELS', 'OPTIM_WRAPPERS', 'TRANSFORMS']

DATASETS = Registry(
    'dataset', parent=MMENGINE_DATASETS, scope='mmvisx', locations=['mmvisx.datasets']
)
TRANSFORMS = Registry(
    'transform',
    parent=MMENGINE_TRANSFORMS,
    scope='mmvisx',
    locations=['mmvisx.datasets.transforms'],
)
MODELS = Registry('model', parent=MMENGINE_MODELS, scope='mmvisx', locations=['mmvisx.models'])
HOOKS = Registry('hook', parent=MMENGINE_HOOKS, scope='mmvisx', locations=['mmvisx.engine'])
OPTIM_WRAPPERS = Registry(
    'optim_wrapper',
    parent=MMENGINE_OPTIM_WRAPPERS,
    scope='mmvisx',
    locations=['mmvisx.engine'],
)
METRICS = Registry(
    'metric', parent=MMENGINE_METRICS, scope='mmvisx', locations=['mmvisx.evaluation']
)
