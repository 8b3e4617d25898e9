"""One child registry per MMEngine root that this package adds to.

Importing this module is all it takes: a config that names ``mmvisx.Name`` makes
MMEngine import ``mmvisx.registry``, and the first lookup imports the package
given as ``locations``.
"""

from mmengine.registry import DATA_SAMPLERS as MMENGINE_DATA_SAMPLERS
from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import INFERENCERS as MMENGINE_INFERENCERS
from mmengine.registry import LOOPS as MMENGINE_LOOPS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS as MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import PARAM_SCHEDULERS as MMENGINE_PARAM_SCHEDULERS
from mmengine.registry import RUNNERS as MMENGINE_RUNNERS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import VISUALIZERS as MMENGINE_VISUALIZERS
from mmengine.registry import Registry
from mmpretrain.registry import BATCH_AUGMENTS as MMPRETRAIN_BATCH_AUGMENTS

__all__ = [
    'ANALYSES',
    'ARCHITECTURES',
    'BATCH_AUGMENTS',
    'DATASETS',
    'DATA_SAMPLERS',
    'HOOKS',
    'INFERENCERS',
    'LOOPS',
    'METRICS',
    'MODELS',
    'OPTIM_WRAPPERS',
    'OPTIM_WRAPPER_CONSTRUCTORS',
    'PARAM_SCHEDULERS',
    'RUNNERS',
    'TRANSFORMS',
    'VISUALIZERS',
]

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
OPTIM_WRAPPER_CONSTRUCTORS = Registry(
    'optimizer wrapper constructor',
    parent=MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS,
    scope='mmvisx',
    locations=['mmvisx.engine'],
)
PARAM_SCHEDULERS = Registry(
    'parameter scheduler',
    parent=MMENGINE_PARAM_SCHEDULERS,
    scope='mmvisx',
    locations=['mmvisx.engine'],
)
METRICS = Registry(
    'metric', parent=MMENGINE_METRICS, scope='mmvisx', locations=['mmvisx.evaluation']
)
DATA_SAMPLERS = Registry(
    'data sampler',
    parent=MMENGINE_DATA_SAMPLERS,
    scope='mmvisx',
    locations=['mmvisx.datasets.samplers'],
)
# mmpretrain's own root: MMEngine has none for these.
BATCH_AUGMENTS = Registry(
    'batch augment',
    parent=MMPRETRAIN_BATCH_AUGMENTS,
    scope='mmvisx',
    locations=['mmvisx.models.batch_augments'],
)
LOOPS = Registry('loop', parent=MMENGINE_LOOPS, scope='mmvisx', locations=['mmvisx.engine'])
RUNNERS = Registry('runner', parent=MMENGINE_RUNNERS, scope='mmvisx', locations=['mmvisx.engine'])
VISUALIZERS = Registry(
    'visualizer',
    parent=MMENGINE_VISUALIZERS,
    scope='mmvisx',
    locations=['mmvisx.visualization'],
)
INFERENCERS = Registry(
    'inferencer',
    parent=MMENGINE_INFERENCERS,
    scope='mmvisx',
    locations=['mmvisx.apis.inference'],
)
# Registries of this package's own. What a checkpoint says of a network that was changed after
# it was built -> the function that changes one like it.
ARCHITECTURES = Registry('architecture', scope='mmvisx', locations=['mmvisx.surgery'])
# What can be measured of a trained network.
ANALYSES = Registry('analysis', scope='mmvisx', locations=['mmvisx.analysis'])
