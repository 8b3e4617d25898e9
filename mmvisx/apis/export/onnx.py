"""Export backbone, neck and dense heads of a detector to ONNX, and check any such file."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import mmcv
import numpy as np
import torch
import torch.nn.functional as F
from mmdet.models.detectors import SingleStageDetector
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from torch import Tensor, nn

from mmvisx.apis.build import build_model
from mmvisx.datasets.image_file import read_image_bytes
from mmvisx.utils.errors import UserError

__all__ = ['DenseOutputs', 'Exported', 'build_dense', 'compare', 'export_onnx', 'read_photograph']

OPSET = 18
# An ONNX file cannot hold more than 2 GiB; beyond, weights go into a file beside it.
MAX_BYTES = 2**31 - 2**24


class Exported(nn.Module):
    """What an ONNX file computes: named outputs of normalised images."""

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map normalised images ``(N, 3, H, W)`` to the outputs that :meth:`named` names."""
        return tuple(tensor for _, tensor in self.named(images))

    @abstractmethod
    def named(self, images: Tensor) -> list[tuple[str, Tensor]]:
        """Return every output for images ``(N, 3, H, W)`` with its name."""

    @property
    @abstractmethod
    def preprocessor(self) -> Any:
        """What normalises images before."""

    def notes(self) -> dict[str, Any]:
        """Return what else the file says in its metadata."""
        return {}


class DenseOutputs(Exported):
    """A detector up to where the number of outputs depends on the image.

    Args:
        detector: Any detector of mmdet.
        heads: Run the dense heads, too: that of a one-stage detector, or the RPN and the
            semantic branch of a two-stage one.
    """

    def __init__(self, detector: nn.Module, heads: bool = True) -> None:
        super().__init__()
        self.detector = detector
        self.heads = heads

    @property
    def preprocessor(self) -> Any:
        """The detector's."""
        return self.detector.data_preprocessor

    def named(self, images: Tensor) -> list[tuple[str, Tensor]]:
        """Return every output for images ``(N, 3, H, W)`` with its name.

        ``feature_{level}`` are the neck's maps; ``{head}_{k}_{level}`` the ``k``-th output
        of a head: scores, then boxes for an RPN; masks, then features for a semantic head.
        """
        features: Any = self.detector.extract_feat(images)  # type: ignore[operator]
        outs = [(f'feature_{level}', feature) for level, feature in enumerate(features)]
        for name, head in self._dense_heads():
            outs += [(f'{name}_{place}', tensor) for place, tensor in _flatten(head(features))]
        return outs

    def _dense_heads(self) -> Iterator[tuple[str, Any]]:
        detector: Any = self.detector
        if not self.heads:
            return
        if isinstance(detector, SingleStageDetector):
            yield 'bbox_head', detector.bbox_head
        if getattr(detector, 'rpn_head', None) is not None:
            yield 'rpn_head', detector.rpn_head
        semantic = getattr(getattr(detector, 'roi_head', None), 'semantic_head', None)
        if semantic is not None:
            yield 'semantic_head', semantic


def _flatten(value: Any, place: str = '') -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield place, value
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _flatten(item, f'{place}_{index}' if place else str(index))


def build_dense(cfg: Config, checkpoint: str | Path, heads: bool = True) -> DenseOutputs:
    """Build a config's detector with the weights of a checkpoint, for inference.

    Raises:
        UserError: see :func:`~mmvisx.apis.build.build_model`.
    """
    detector = revert_sync_batchnorm(build_model(cfg, checkpoint))
    for parameter in detector.parameters():
        parameter.requires_grad_(False)
    return DenseOutputs(detector, heads).eval()


@torch.no_grad()
def export_onnx(model: Exported, path: str | Path, shape: tuple[int, int]) -> list[str]:
    """Write an ONNX file for one image of ``shape`` (height, width).

    Deformable convolutions become GridSample. How to prepare an image stands in the file's
    metadata: ``mean``, ``std``, ``bgr_to_rgb``, ``shape``; zeros are padded to the right and
    below.

    Returns:
        The names of the outputs.

    Raises:
        UserError: a package is missing, or ``shape`` does not suit the model.
    """
    _import('onnx')
    _import('onnxscript')
    divisor = getattr(model.preprocessor, 'pad_size_divisor', 1)
    if any(side % divisor for side in shape):
        raise UserError(
            f'--shape {shape[0]} {shape[1]}: the model pads its images to multiples of '
            f'{divisor}; give such a height and width'
        )
    images = torch.zeros(1, 3, *shape, device=next(model.parameters()).device)
    names = [name for name, _ in model.named(images)]
    program: Any = torch.onnx.export(
        model,
        (images,),
        dynamo=True,
        opset_version=OPSET,
        input_names=['images'],
        output_names=names,
    )
    program.model.metadata_props.update(_preparation(model, shape))
    size = sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    program.save(str(path), external_data=size > MAX_BYTES)
    return names


def read_photograph(model: DenseOutputs, path: str | Path, shape: tuple[int, int]) -> Tensor:
    """Read an image as the exported network wants it, ``(1, 3, H, W)``.

    It is scaled to fit into ``shape``, normalised as in the detector, and padded.

    Raises:
        UserError: the file is missing or broken.
    """
    image = mmcv.imfrombytes(read_image_bytes(str(path), 'give --verify an image'))
    factor = min(shape[0] / image.shape[0], shape[1] / image.shape[1])
    height, width = (max(1, int(side * factor)) for side in image.shape[:2])
    image = mmcv.imresize(image, (width, height))
    tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
    batch = model.preprocessor(dict(inputs=[tensor], data_samples=None), False)['inputs']
    return F.pad(batch, (0, shape[1] - batch.shape[-1], 0, shape[0] - batch.shape[-2]))


@torch.no_grad()
def compare(path: str | Path, model: Exported, images: Tensor) -> dict[str, float]:
    """Run an ONNX file on CPU and return how far each output is from torch's.

    Args:
        images: ``(N, 3, H, W)``, normalised.

    Returns:
        The largest difference of each output, relative to the largest value in torch's.

    Raises:
        UserError: onnxruntime is missing.
    """
    runtime: Any = _import('onnxruntime')
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = runtime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])
    expected = dict(model.named(images))
    found = session.run(list(expected), {session.get_inputs()[0].name: images.cpu().numpy()})
    errors = {}
    for (name, reference), output in zip(expected.items(), found, strict=True):
        difference = (torch.from_numpy(output) - reference.cpu()).abs().max()
        errors[name] = float(difference / reference.abs().max().clamp(min=1e-12).cpu())
    return errors


def _preparation(model: Exported, shape: tuple[int, int]) -> dict[str, str]:
    preprocessor = model.preprocessor
    swaps = any(getattr(preprocessor, name, False) for name in ('_channel_conversion', 'to_rgb'))
    values = dict(model.notes(), shape=list(shape), bgr_to_rgb=swaps)
    for name in ('mean', 'std'):
        if isinstance(getattr(preprocessor, name, None), Tensor):
            values[name] = getattr(preprocessor, name).flatten().tolist()
    return {name: json.dumps(value) for name, value in values.items()}


def _import(name: str) -> ModuleType:
    try:
        return __import__(name)
    except ImportError as error:
        raise UserError(
            f'ONNX export needs the package {name}, which cannot be imported ({error}): '
            "pip install -e '.[deploy]'"
        ) from error
