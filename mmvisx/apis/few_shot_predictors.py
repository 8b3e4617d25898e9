"""What a taught classifier is made of: a predictor and weights of the large classes."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from mmvisx.analysis.few_shot_child import searched_child
from mmvisx.analysis.few_shot_rows import Row
from mmvisx.datasets.classification.few_shot_bank import ActivationBank, check_fingerprint
from mmvisx.models.heads.few_shot_predicted import PredictedHead
from mmvisx.models.layers import ParameterPredictor
from mmvisx.utils.checkpoint import read_checkpoint
from mmvisx.utils.errors import UserError

from .build import build_model
from .few_shot_bank import weights_digest

__all__ = [
    'EXPECTATIONS',
    'child_row',
    'large_weights',
    'last_layer',
    'load_predictor',
]

EXPECTATIONS = ('inside', 'exact')


def load_predictor(checkpoint: str | Path) -> ParameterPredictor:
    """Read a parameter predictor out of the checkpoint of its training.

    Raises:
        UserError: The file holds none.
    """
    state = read_checkpoint(checkpoint).get('state_dict', {})
    layers = {k.removeprefix('predictor.'): v for k, v in state.items() if 'predictor.' in k}
    weights = [v for k, v in layers.items() if k.endswith('.weight')]
    if not weights or any(w.ndim != 2 or w.shape[0] != w.shape[1] for w in weights):
        raise UserError(
            f'checkpoint {checkpoint} holds no parameter predictor: give one that '
            'mmvisx train of a few_shot recipe has written'
        )
    predictor = ParameterPredictor(len(weights[0]), len(weights))
    predictor.load_state_dict(layers)
    return predictor


def last_layer(model: nn.Module) -> nn.Linear:
    """Return the last layer of a classifier, which was learnt, also of a taught one.

    Raises:
        UserError: Its head has no linear layer at its end.
    """
    head = getattr(model, 'head', None)
    if isinstance(head, PredictedHead):
        head = head.before
    layers = [part for part in head.modules() if isinstance(part, nn.Linear)] if head else []
    if not layers:
        raise UserError(f'the head of {type(model).__name__} has no linear layer at its end')
    return layers[-1]


def child_row(bank: ActivationBank, config: str | Path, checkpoint: str | Path) -> Row:
    """Return the row "Learning like a Child" of the classifier that a bank was built with.

    Args:
        bank: Of the large classes' training images.
        config: Of the classifier.
        checkpoint: Its weights.

    Raises:
        UserError: The bank was built with other weights, or the head has no last layer with a bias.
    """
    model = build_model(config, checkpoint)
    check_fingerprint(bank.folder, bank.record['fingerprint'], dict(weights=weights_digest(model)))
    layer = last_layer(model)
    if layer.bias is None:
        raise UserError(f'the last layer of {config} has no bias, which new classes would learn')
    return searched_child(bank, layer.weight, layer.bias)


@torch.no_grad()
def large_weights(
    predictor: ParameterPredictor,
    bank: ActivationBank,
    expectation: str = 'inside',
    p_mean: float = 0.9,
) -> Tensor:
    """Return the weights of a bank's classes, ``(K, d)``.

    Args:
        predictor: The map from statistics to weights.
        bank: Activations of the classes.
        expectation: ``'inside'``: of the mean statistic (Eq. 2.6); ``'exact'``: the mean of the
            weights over statistics (Eq. 2.3).
        p_mean: Probability of the mean activation, for ``'exact'``.

    Raises:
        UserError: ``expectation`` is neither, or the bank is of another width.
    """
    if expectation not in EXPECTATIONS:
        raise UserError(f'expectation={expectation!r} must be one of {", ".join(EXPECTATIONS)}')
    if bank.channels != predictor.channels:
        raise UserError(
            f'bank {bank.folder} has activations of {bank.channels} channels, the predictor takes '
            f'{predictor.channels}: both must be of the same classifier'
        )
    means = torch.from_numpy(bank.means).float()
    if expectation == 'inside':
        return predictor(means)
    rows = [
        predictor.expected(mean, torch.from_numpy(bank.read(bank.rows(k))), p_mean)
        for k, mean in enumerate(means)
    ]
    return torch.stack(rows)
