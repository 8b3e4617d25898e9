"""A small training with neural rejuvenation, for the tests and for the processes they start."""

import gc
import importlib.util
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch.utils.data import Dataset

from mmvisx.engine.runner import CheckedRunner

# By its file, as the processes that run this one know no package of tests.
_FILE = Path(__file__).with_name('neural_rejuvenation_nets.py')
_SPEC = importlib.util.spec_from_file_location('neural_rejuvenation_nets', _FILE)
nets = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(nets)

BATCHES = 4  # of an epoch


class Images(Dataset):
    """Random images and labels."""

    def __init__(self, count=8 * BATCHES):
        generator = torch.Generator().manual_seed(3)
        self.images = torch.randn((count, 3, 16, 16), generator=generator)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return dict(inputs=self.images[index], data_samples=index % 5)


class Classifier(BaseModel):
    """One of the small networks with a loss."""

    def __init__(self, net='Chain'):
        super().__init__()
        self.net = nets.NETWORKS[net]()

    def forward(self, inputs, data_samples=None, mode='tensor'):
        scores = self.net(inputs)
        if mode == 'loss':
            return dict(loss=F.cross_entropy(scores, data_samples))
        return scores


class WitherHook(Hook):
    """Let neurons die before some iterations, in the network and in its average."""

    priority = 'VERY_HIGH'

    def __init__(self, iterations, share=0.6):
        self.iterations = iterations
        self.share = share

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter not in self.iterations:
            return
        averages = [h.ema_model.module for h in runner.hooks if hasattr(h, 'ema_model')]
        for model in (getattr(runner.model, 'module', runner.model), *averages):
            state = [(n.running_mean.clone(), n.running_var.clone()) for n in nets.norms_of(model)]
            nets.wither(model, self.share, seed=runner.iter)
            for norm, (mean, var) in zip(nets.norms_of(model), state, strict=True):
                norm.running_mean.copy_(mean)
                norm.running_var.copy_(var)


def build_runner(
    work_dir,
    net='Chain',
    wither_at=(2 * BATCHES,),
    epochs=4,
    hook=None,
    hooks=(),
    optim_wrapper=None,
    kind=CheckedRunner,
    **kwargs,
) -> Runner:
    """Build a runner whose network withers before the given iterations."""
    torch.manual_seed(0)
    options = dict(type='mmvisx.NeuralRejuvenationHook', fixed_lambda=1e-3) | (hook or {})
    custom = [options, *hooks]
    if wither_at:
        custom.append(WitherHook(wither_at))
    sgd = dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=1e-3)
    settings = dict(
        model=Classifier(net),
        work_dir=str(work_dir),
        train_dataloader=dict(
            batch_size=8,
            num_workers=0,
            dataset=Images(),
            collate_fn=dict(type='default_collate'),
            sampler=dict(type='DefaultSampler', shuffle=True),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=optim_wrapper or dict(optimizer=sgd, paramwise_cfg=dict(norm_decay_mult=0.0)),
        param_scheduler=dict(type='MultiStepLR', milestones=[epochs - 1], by_epoch=True),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', interval=1),
            logger=dict(type='LoggerHook', interval=1),
        ),
        custom_hooks=custom,
        randomness=dict(seed=1),
        experiment_name=f'{Path(work_dir).name}-{torch.seed()}',
    )
    return kind(**(settings | kwargs))


def train_and_save(folder, variant):
    """Train in this process and save what it ends with."""
    runner = build_runner(
        folder / 'work',
        net='Residual',
        epochs=3,
        wither_at=(BATCHES // 2,),  # the second epoch
        hook=dict(variant=variant, rescale=True),
        hooks=[dict(type='EMAHook')],
        launcher='pytorch',
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1)),
    )
    runner.train()
    hook = next(h for h in runner.hooks if type(h).__name__ == 'NeuralRejuvenationHook')
    model = runner.model.module
    content = dict(
        state_dict=model.state_dict(),
        graph=hook.graph.to_dict(),
        count=hook.count,
        wrapper=type(runner.model).__name__,
        epochs=runner.max_epochs,
        momenta=[s['momentum_buffer'] for s in runner.optim_wrapper.optimizer.state.values()],
    )
    torch.save(content, folder / f'rank{torch.distributed.get_rank()}.pth')


def main():
    """Train in two processes."""
    train_and_save(Path(sys.argv[1]), sys.argv[2])
    # A model under DDP that is alive, if only in a reference cycle, may block this for ever.
    gc.collect()
    torch.distributed.destroy_process_group()


if __name__ == '__main__':
    main()
