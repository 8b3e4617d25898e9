"""Methods that keep more than weights are told to end, and go on with what they had in hand."""

import pytest
import torch
from torch.utils.data import Dataset

from mmvisx.engine.runner import CheckedRunner
from tests.helpers import asynchronous_two_heads as two
from tests.helpers.interrupted_training import SignalHook, train
from tests.helpers.neural_rejuvenation_training import BATCHES, build_runner
from tests.test_engine.test_interruption import same


def compare(folder, build, at):
    """Train; train until an iteration and resume; compare the last checkpoints."""
    whole = build(folder / 'whole')
    whole.train()
    broken = build(folder / 'broken', stop=SignalHook(at))
    with pytest.raises(SystemExit):
        broken.train()
    saved = torch.load(folder / 'broken' / 'interrupted.pth', weights_only=False)
    assert saved['meta']['iter'] == at + 1
    resumed = build(folder / 'broken', resume=True)
    resumed.train()
    assert resumed.iter == whole.iter
    ends = [
        torch.load((f / 'last_checkpoint').read_text(), weights_only=False)
        for f in (folder / 'whole', folder / 'broken')
    ]
    assert ends[0].keys() == ends[1].keys()
    for key in ends[0].keys() - {'meta', 'message_hub'}:
        assert same(ends[0][key], ends[1][key]), key
    return saved, ends[0]


# The network is rebuilt before iteration 8, the first of the third epoch.
@pytest.mark.parametrize(
    'at', [2 * BATCHES, *(pytest.param(k, marks=pytest.mark.slow) for k in (1, 7, 9, 11, 14, 18))]
)
@pytest.mark.parametrize('net', ['Chain', pytest.param('Residual', marks=pytest.mark.slow)])
def test_neural_rejuvenation_before_and_after_a_rebuild(tmp_path, net, at):
    def build(folder, stop=None, **options):
        hooks = [dict(type='EMAHook'), *([stop] if stop else [])]
        return build_runner(folder, net, hooks=hooks, **options)

    saved, end = compare(tmp_path, build, at)
    assert end['neural_rejuvenation']['state']['count'] == 1
    assert saved['neural_rejuvenation']['state']['count'] == (at >= 2 * BATCHES)


class Images(Dataset):
    """Images that are annotated for a random task or for both."""

    def __init__(self):
        (batch,) = two.batches(1, 24, dtype=torch.float32)
        self.items = list(zip(batch['inputs'], batch['targets'], strict=True))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


def collate(items):
    return dict(inputs=torch.stack([i for i, _ in items]), targets=[t for _, t in items])


@pytest.mark.parametrize(
    'at', [5, *(pytest.param(k, marks=pytest.mark.slow) for k in (0, 3, 8, 11, 15, 20))]
)
def test_asynchronous_sgd_with_waiting_gradients(tmp_path, at):
    def build(folder, stop=None, **options):
        return CheckedRunner(
            two.TwoHeads(torch.float32),
            str(folder),
            train_dataloader=dict(
                batch_size=2,
                dataset=Images(),
                sampler=dict(type='DefaultSampler', shuffle=True),
                collate_fn=collate,
            ),
            train_cfg=dict(by_epoch=True, max_epochs=2),
            optim_wrapper=dict(
                type='mmvisx.AsynchronousSGD',
                constructor='mmvisx.AsynchronousSGDConstructor',
                optimizer=two.OPTIMIZER,
                trunk_images=7,
                task_images=dict(a=4, b=5),
            ),
            custom_hooks=[stop] if stop else [],
            randomness=dict(seed=3),
            experiment_name=f'{folder.name}-{stop}-{options}-{tmp_path.name}',
            **options,
        )

    saved, _ = compare(tmp_path, build, at)
    waiting = any(saved['optimizer']['asynchronous']['counts'].values())
    assert waiting == (at != 3)  # when all parts have just stepped


def test_nobody_says_that_kept_gradients_are_lost(tmp_path, capsys):
    options = dict(accumulate=3, interval=100)
    with pytest.raises(SystemExit):
        train(tmp_path, stop=dict(at=4), **options)
    capsys.readouterr()
    train(tmp_path, resume=True, **options)
    assert 'gradient of some iterations is lost' not in capsys.readouterr().out
