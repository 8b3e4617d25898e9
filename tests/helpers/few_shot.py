"""A small classifier, its images, and banks of made-up activations."""

import cv2
import numpy as np
import torch
from mmengine.config import Config

from mmvisx.analysis.few_shot_rows import Known
from mmvisx.datasets.classification.few_shot_bank import write_bank
from mmvisx.models.layers import ParameterPredictor

CHANNELS = 6


def made_up(classes=4, each=5, channels=CHANNELS, seed=0, spread=0.3):
    """Activations around a direction for each class, of different numbers of images."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), [each + k for k in range(classes)])
    centres = np.abs(rng.normal(size=(classes, channels)))
    noise = spread * rng.normal(size=(len(labels), channels))
    order = rng.permutation(len(labels))
    return (centres[labels] + noise)[order].astype(np.float32), labels[order]


def made_up_known():
    """Three large classes of made-up activations, and two samples each of two few ones."""
    activations, labels = made_up(5, each=6, spread=0.5)
    large = labels < 3
    means = np.stack([activations[labels == k].mean(axis=0) for k in range(3)])
    support = np.stack([activations[labels == k][:2] for k in (3, 4)])
    return Known(activations[large], labels[large], means, support)


def random_predictor():
    """A phi-2 of made-up activations with random weights."""
    torch.manual_seed(0)
    predictor = ParameterPredictor(CHANNELS, 2)
    for p in predictor.parameters():
        torch.nn.init.normal_(p)
    return predictor


def bank_of(folder, classes=4, **options):
    """Write a bank of made-up activations."""
    activations, labels = made_up(classes, **options)
    return write_bank(folder, activations, labels, [f'class {k}' for k in range(classes)])


def write_classes(folder, names=('ant', 'bee', 'cat'), each=4, seed=0):
    """Write class folders of noise, each class brighter than the one before."""
    rng = np.random.default_rng(seed)
    for k, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for i in range(each):
            image = rng.integers(0, 80, (32, 32, 3)) + 50 * k
            cv2.imwrite(str(folder / name / f'{i}.png'), image.astype(np.uint8))
    return folder


def classifier_config(folder, classes=3):
    """Return the config of a small classifier for class folders."""
    pipeline = [
        dict(type='mmvisx.LoadImageFromFile'),
        dict(type='PackInputs'),
    ]
    data = dict(
        batch_size=5,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(type='mmvisx.ImageFolder', data_prefix=str(folder), pipeline=pipeline),
    )
    return Config(
        dict(
            default_scope='mmpretrain',
            model=dict(
                type='ImageClassifier',
                backbone=dict(type='mmvisx.CifarResNet', depth=20),
                neck=dict(type='GlobalAveragePooling'),
                head=dict(type='LinearClsHead', num_classes=classes, in_channels=64),
            ),
            data_preprocessor=dict(num_classes=classes, mean=[100.0] * 3, std=[50.0] * 3),
            train_dataloader=dict(data, sampler=dict(type='DefaultSampler', shuffle=True)),
            test_dataloader=data,
            test_evaluator=dict(type='Accuracy', topk=(1,)),
            test_cfg=dict(),
        )
    )


def write_checkpoint(cfg, path, classes=('ant', 'bee', 'cat')):
    """Write random weights of a config's model as a training would."""
    from mmvisx.apis.build import build_model

    torch.manual_seed(0)
    model = build_model(cfg)
    model.init_weights()
    meta = dict(dataset_meta=dict(classes=classes))
    torch.save(dict(state_dict=model.state_dict(), meta=meta), path)
    return path
