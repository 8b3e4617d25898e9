"""Network slimming in trainings: the penalty, the moment, the optimizer, resuming, errors."""

import pytest
import torch
from mmengine.runner import Runner

from mmvisx.engine.hooks import NetworkSlimmingHook
from mmvisx.engine.runner import CheckedRunner
from mmvisx.surgery.neural_rejuvenation.slimming import convolution_weights
from mmvisx.utils import UserError

MODEL = dict(
    type='ImageClassifier',
    data_preprocessor=dict(mean=[0.0] * 3, std=[1.0] * 3, num_classes=4),
    backbone=dict(type='mmvisx.ConvVGG', depth=11, base_channels=4, pool_after=(2, 4)),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=4, in_channels=32),
)


class Data(torch.utils.data.Dataset):
    """Eight random images, the same for all."""

    def __len__(self):
        return 8

    def __getitem__(self, index):
        from mmpretrain.structures import DataSample

        images = torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        return dict(inputs=images[index], data_samples=DataSample().set_gt_label(index % 4))


def make(tmp_path, epochs=4, resume=False, custom=(), kind=Runner, **hook):
    return kind(
        MODEL,
        str(tmp_path),
        train_dataloader=dict(
            batch_size=4,
            dataset=Data(),
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='default_collate'),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.02, momentum=0.9)),
        param_scheduler=[
            dict(type='MultiStepLR', milestones=[1], gamma=0.1, end=2),
            dict(type='MultiStepLR', milestones=[1], gamma=0.1, begin=2, end=4),
        ],
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1)),
        custom_hooks=[dict(type='mmvisx.NetworkSlimmingHook', **hook), *custom],
        default_scope='mmpretrain',
        randomness=dict(seed=0),
        experiment_name=f'{tmp_path.name}{epochs}{resume}',
        resume=resume,
    )


def test_prunes_and_goes_on(tmp_path):
    runner = make(tmp_path, target=0.5, prune_epoch=2)
    before = convolution_weights(runner.model)
    rates = []

    def watch(runner, *_, **__):
        rates.append(round(runner.optim_wrapper.get_lr()['lr'][0], 6))

    runner.hooks[-1].after_train_iter = watch
    runner.train()
    assert rates == [0.02] * 2 + [0.002] * 2 + [0.02] * 2 + [0.002] * 2
    assert 0.4 < convolution_weights(runner.model) / before <= 0.5
    wrapper = runner.optim_wrapper
    held = {id(p) for group in wrapper.param_groups for p in group['params']}
    assert held == {id(p) for p in runner.model.parameters()}
    for parameter, state in wrapper.optimizer.state.items():
        assert state['momentum_buffer'].shape == parameter.shape
    assert len(wrapper.optimizer.state) == len(held)


def test_the_penalty_is_on_the_scales_until_then(tmp_path):
    """One step of SGD differs from the plain one by lr * penalty * sign(gamma) exactly."""
    results = []
    for penalty in (0.0, 0.5):
        runner = make(tmp_path / str(penalty), target=0.5, penalty=penalty, prune_epoch=2)

        def stop(*_, **__):
            raise KeyboardInterrupt

        runner.hooks[-1].after_train_iter = stop
        with pytest.raises(KeyboardInterrupt):
            runner.train()
        results.append({k: v.detach().clone() for k, v in runner.model.named_parameters()})
    plain, penalised = results
    for name in plain:
        expected = 0.02 * 0.5 if name.endswith('bn.weight') else 0.0
        torch.testing.assert_close(
            plain[name] - penalised[name], torch.full_like(plain[name], expected)
        )


@pytest.mark.parametrize('kind', [Runner, CheckedRunner])
def test_resumed_after_pruning_equals_uninterrupted(tmp_path, kind):
    options = dict(target=0.5, prune_epoch=2, kind=kind)
    whole = make(tmp_path / 'whole', **options)
    whole.train()
    make(tmp_path / 'parts', epochs=3, **options).train()
    resumed = make(tmp_path / 'parts', resume=True, **options)
    resumed.train()
    assert resumed.epoch == 4
    state = resumed.model.state_dict()
    for key, value in whole.model.state_dict().items():
        assert torch.equal(state[key], value), key


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(target=0), 'target=0 of NetworkSlimmingHook'),
        (dict(penalty=-1), 'penalty=-1 of NetworkSlimmingHook'),
        (dict(prune_epoch=0), 'prune_epoch=0 of NetworkSlimmingHook'),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(UserError, match=message):
        NetworkSlimmingHook(**arguments)


def test_wrong_trainings(tmp_path):
    with pytest.raises(UserError, match=r'prune_epoch=4 .* must lie below .* which is 4'):
        make(tmp_path, prune_epoch=4).train()
    with pytest.raises(UserError, match='average of EMAHook'):
        make(tmp_path / 'ema', prune_epoch=2, custom=[dict(type='EMAHook')]).train()
