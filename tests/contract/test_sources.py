"""Every registered class says which part of which document it is, or stands here as of none."""

import inspect
from importlib import import_module

import pytest
from mmengine.registry import Registry

from mmvisx import registry

# Reading data, checks, pictures, measuring and running: they belong to no document.
OF_NO_DOCUMENT = {
    'Balance',
    'SeedTables',
    'Unknown',
    'BFloat16OptimWrapper',
    'CamVidDataset',
    'CheckFiniteLossHook',
    'CheckLabelsHook',
    'CheckSegLabelsHook',
    'CheckedRunner',
    'CheckpointHook',
    'ClassCountHook',
    'ClassificationInferencer',
    'ClassificationPicturesHook',
    'CocoDataset',
    'CocoMetric',
    'DatasetSamples',
    'FuseForTestHook',
    'ImageFolder',
    'ImageNet',
    'Inferencer',
    'LabelMeDataset',
    'LoadAnnotations',
    'LoadImageFromFile',
    'LoadSegAnnotations',
    'MultiplyAdds',
    'PascalVOCDataset',
    'RandomStateHook',
    'SecondValidationHook',
    'SegTTAModel',
    'SegmentationDataset',
    'SemiSupervised',
    'SegmentationInferencer',
    'SegmentationPicturesHook',
    'ShapesClassDataset',
    'ShapesDataset',
    'ShapesPartDataset',
    'ShapesSceneDataset',
    'ShapesVOCDataset',
    'VOCDataset',
    'VOCMetric',
    'YoloDataset',
}


def own_classes():
    """Return the registered classes of this package by their names."""
    found = {}
    for name in registry.__all__:
        own = getattr(registry, name)
        for floor in own._locations if isinstance(own, Registry) else ():
            import_module(floor)
        found |= {k: v for k, v in own.module_dict.items() if inspect.isclass(v)}
    return {k: v for k, v in found.items() if v.__module__.startswith('mmvisx.')}


CLASSES = own_classes()


@pytest.mark.parametrize('name', sorted(CLASSES.keys() - OF_NO_DOCUMENT))
def test_a_class_names_its_source(name):
    text = CLASSES[name].__doc__ or ''  # its own: a subclass is another part
    assert 'Source:' in text, f'{CLASSES[name].__module__}.{name}'
    source = text.partition('Source:')[2]
    assert any(f'00{number}' in source for number in range(5)) or 'not in' in source


def test_the_others_exist_and_name_none():
    assert CLASSES.keys() >= OF_NO_DOCUMENT
    for name in OF_NO_DOCUMENT:
        assert 'Source:' not in CLASSES[name].__doc__, name
