"""What a contract case says of a class."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

IMAGE = (2, 3, 64, 96)
# Outputs of a backbone of 4 stages with 8 base channels and bottlenecks
MAPS = [(2, 32, 16, 24), (2, 64, 8, 12), (2, 128, 4, 6), (2, 256, 2, 3)]


@dataclass(frozen=True)
class ModelCase:
    """A small instance of a layer, backbone, neck, head or whole model.

    Attributes:
        config: Constructor arguments.
        inputs: Shapes of the inputs; a list is one argument of several tensors.
        parameters: Exact number of parameters, counted by hand or from the reference.
        outputs: Shapes of the outputs.
        frozen: How the names of parameters begin that are not trained any more.
        unused: How the names of parameters begin that are trained, but take no part in a forward.
    """

    config: dict[str, Any]
    inputs: list[Any]
    outputs: list[tuple[int, ...]]
    parameters: int
    frozen: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


@dataclass(frozen=True)
class LossCase:
    """A loss of scores.

    Attributes:
        config: Constructor arguments.
        scores: Shape of the scores.
        targets: What they are compared with.
    """

    config: dict[str, Any]
    scores: tuple[int, ...]
    targets: Tensor


@dataclass(frozen=True)
class TransformCase:
    """A transform and what it gets.

    Attributes:
        config: Constructor arguments.
        sample: Makes the dict that goes in, from a folder to write files into.
        changes: Keys that may be added, changed or taken out.
        packs: Whether only ``inputs`` and ``data_samples`` come out.
    """

    config: dict[str, Any]
    sample: Callable[[Path], dict[str, Any]]
    changes: frozenset[str] = frozenset()
    packs: bool = False


@dataclass(frozen=True)
class DatasetCase:
    """A data set.

    Attributes:
        config: Writes the files into a folder; returns the constructor arguments.
        length: Number of images.
        classes: Names, or how many.
    """

    config: Callable[[Path], dict[str, Any]]
    length: int
    classes: tuple[str, ...] | int


@dataclass(frozen=True)
class MetricCase:
    """A metric.

    Attributes:
        config: Writes the files into a folder; returns the constructor arguments.
        meta: ``dataset_meta``.
        samples: Two or more images with predictions.
        empty: The same with nothing predicted.
        nothing: The metrics that are then asked for, and their values.
    """

    config: Callable[[Path], dict[str, Any]]
    meta: dict[str, Any]
    samples: Callable[[], list[dict[str, Any]]]
    empty: Callable[[], list[dict[str, Any]]]
    nothing: dict[str, float]


@dataclass(frozen=True)
class HookCase:
    """A hook and the training that it takes part in.

    Attributes:
        config: Constructor arguments; ``{folder}`` in a string is a folder to write into.
        training: ``'classifier'``, ``'co-trained'``, ``'segmentor'``, ``'tasks'``, ``'detector'``
            or ``'clusters'``.
        settings: Further entries of the training's config, dotted.
        changes_model: Whether the network stays changed, as the method wants it.
    """

    config: dict[str, Any] = field(default_factory=dict)
    training: str = 'classifier'
    settings: dict[str, Any] = field(default_factory=dict)
    changes_model: bool = False


@dataclass(frozen=True)
class OptimCase:
    """An optimizer wrapper, or what builds one.

    Attributes:
        config: ``optim_wrapper`` of a config.
        training: As of :class:`HookCase`.
    """

    config: dict[str, Any]
    training: str = 'classifier'


@dataclass(frozen=True)
class SamplerCase:
    """A sampler of images by their labels.

    Attributes:
        config: Constructor arguments, without the data set.
        labels: Of the images, ``(N,)``.
        length: Of an epoch.
    """

    config: dict[str, Any]
    labels: np.ndarray
    length: int


@dataclass(frozen=True)
class AugmentCase:
    """An augmentation of batches of images and scores.

    Attributes:
        config: Constructor arguments.
    """

    config: dict[str, Any]


@dataclass(frozen=True)
class SchedulerCase:
    """A parameter scheduler.

    Attributes:
        config: Constructor arguments, without the optimizer.
        rates: Of the iterations from the first on, for a rate (or momentum) of 1.
        parameter: What is scheduled.
    """

    config: dict[str, Any]
    rates: list[float]
    parameter: str = 'lr'


@dataclass(frozen=True)
class BatchSamplerCase:
    """A sampler of batches of labelled and unlabelled images.

    Attributes:
        config: Constructor arguments, without the sampler.
        labelled: Number of labelled images, which come first.
        unlabelled: Of the others.
        sizes: Of the batches.
    """

    config: dict[str, Any]
    labelled: int
    unlabelled: int
    sizes: list[int]
