"""Write a rejuvenated network as a plain one."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor, nn

from mmvisx.apis.build import build_model
from mmvisx.surgery.neural_rejuvenation import (
    REJUVENATED,
    ChannelGraph,
    build_channel_graph,
    compact,
    default_forward,
    fold_cross_removed,
)
from mmvisx.utils.architecture import keep_entry
from mmvisx.utils.checkpoint import read_checkpoint
from mmvisx.utils.checkpoint_file import write_checkpoint
from mmvisx.utils.errors import UserError

__all__ = ['export_program', 'export_rejuvenated', 'plain_network']


def plain_network(
    model: nn.Module,
    checkpoint: Mapping[str, Any],
    input_shape: Sequence[int],
    keep_dead: bool = False,
) -> tuple[nn.Module, ChannelGraph]:
    """Return a copy of a network without dead neurons, its convolutions plain where possible.

    Convolutions without cross connections become ``nn.Conv2d`` with zeros in between. Cross
    attention is no convolution and stays a module of its own. What a dead neuron's shift adds to
    the network goes with it.

    Args:
        model: The network, with its weights.
        checkpoint: Where they come from: its channel graph is taken; one without is traced.
        input_shape: ``(C, H, W)`` to trace with.
        keep_dead: Leave dead neurons in, so that the output is the same up to rounding.
    """
    content = checkpoint.get(REJUVENATED)
    if content is None:
        graph = build_channel_graph(model, torch.randn(2, *input_shape))
    else:
        graph = ChannelGraph.from_dict(content['graph'])
    plain = copy.deepcopy(model)
    if not keep_dead:
        graph = compact(plain, graph)
    graph = fold_cross_removed(plain, graph)
    return plain.eval(), graph


def export_rejuvenated(
    cfg: Config,
    checkpoint_path: str | Path,
    out: str | Path,
    input_shape: Sequence[int] = (3, 32, 32),
    keep_dead: bool = False,
) -> dict[str, Any]:
    """Write the plain network's weights as a checkpoint that goes with the same config.

    ``tools/test.py``, :func:`mmvisx.apis.build.build_model`, ``Inferencer`` and ``load_from``
    build it with its numbers of channels; the config needs no hook.

    Args:
        cfg: Config of the network.
        checkpoint_path: Checkpoint of a training with ``mmvisx.NeuralRejuvenationHook``, or of
            any network of convolutions and batch normalisations.
        out: The .pth file to write.
        input_shape: ``(C, H, W)`` of the images to compare the outputs on.
        keep_dead: See :func:`plain_network`.

    Returns:
        ``weights_before`` and ``weights``, of the convolutions; ``difference``, the largest of
        the outputs for random images, relative to the largest output; ``plain``, the network.

    Raises:
        UserError: the checkpoint does not fit, or ``out`` is no .pth file.
    """
    if Path(out).suffix != '.pth':
        raise UserError(f'--out {out}: the name must end in .pth')
    checkpoint = read_checkpoint(checkpoint_path)
    model = build_model(cfg, checkpoint_path)
    plain, graph = plain_network(model, checkpoint, input_shape, keep_dead)
    images = torch.randn(2, *input_shape)
    kept = {key: checkpoint[key] for key in ('meta',) if key in checkpoint}
    content = dict(graph=graph.to_dict())
    exported = {**kept, 'state_dict': plain.state_dict()}
    keep_entry(exported, REJUVENATED, content)
    write_checkpoint(exported, out)
    return dict(
        weights_before=convolution_weights(model),
        weights=convolution_weights(plain),
        difference=largest_difference(plain, model, images),
        plain=plain,
    )


def convolution_weights(model: nn.Module) -> int:
    """Count the weights of all convolutions."""
    return sum(p.numel() for p in model.parameters() if p.dim() == 4)


@torch.no_grad()
def largest_difference(ours: nn.Module, other: nn.Module, images: Tensor) -> float:
    """Return the largest difference of two networks' outputs, relative to the largest output.

    Args:
        images: ``(N, C, H, W)``, normalised.
    """
    outputs = (_flat(default_forward(model, images)) for model in (ours, other))
    pairs = zip(*outputs, strict=True)
    return max(float((a - b).abs().max() / b.abs().max().clamp(min=1e-12)) for a, b in pairs)


def export_program(model: nn.Module, out: str | Path, input_shape: Sequence[int]) -> None:
    """Write a network as a PyTorch program (.pt2), which runs without this package.

    Its input are normalised images ``(2, C, H, W)``.

    Raises:
        UserError: ``out`` is no .pt2 file.
    """
    if Path(out).suffix != '.pt2':
        raise UserError(f'--program {out}: the name must end in .pt2')
    program = torch.export.export(_Tensors(model).eval(), (torch.randn(2, *input_shape),))
    torch.export.save(program, out)


class _Tensors(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(_flat(default_forward(self.model, images)))


def _flat(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    return [tensor for item in value for tensor in _flat(item)]
