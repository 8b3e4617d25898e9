"""Two training loops of their own kind, for the tests: k-means, and two networks in turn."""

import torch
from mmengine.dataset import BaseDataset
from mmengine.model import BaseModel
from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapperDict
from mmengine.registry import DATASETS, MODELS, OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

from mmvisx.engine.loops import StepLoop
from mmvisx.registry import LOOPS


@DATASETS.register_module(force=True)
class Clouds(BaseDataset):
    """Points (2,) of three clouds, without labels."""

    def load_data_list(self):
        random = torch.Generator().manual_seed(0)
        centres = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]], dtype=torch.float64)
        noise = torch.randn(60, 2, generator=random, dtype=torch.float64)
        return [{'inputs': centres[k % 3] + noise[k], 'index': k} for k in range(60)]

    def __getitem__(self, index):
        return self.get_data_info(index)


@MODELS.register_module(force=True)
class Centroids(BaseModel):
    """Three centroids (3, 2), which no gradient moves."""

    def __init__(self):
        super().__init__()
        self.register_buffer('centroids', torch.zeros(3, 2, dtype=torch.float64))

    def forward(self, inputs, mode='tensor', **kwargs):
        return ((inputs[:, None] - self.centroids) ** 2).sum(-1)


@LOOPS.register_module(force=True)
class KMeansLoop(StepLoop):
    """Sum up batches by the targets of their points; every ``renew`` steps move and renew.

    What waits between two renewals is neither a parameter nor a buffer.
    """

    needs_optimizer = False

    def __init__(self, renew, **kwargs):
        super().__init__(**kwargs)
        self.renew = renew
        self.targets = self.sums = self.counts = None

    def points(self):
        dataset = self.dataloader.dataset
        return torch.stack([dataset[k]['inputs'] for k in range(len(dataset))])

    def expect(self):
        self.targets = self.runner.model(self.points()).argmin(1)
        self.sums = torch.zeros(3, 2, dtype=torch.float64)
        self.counts = torch.zeros(3, dtype=torch.float64)

    def maximize(self):
        seen = self.counts > 0
        self.runner.model.centroids[seen] = self.sums[seen] / self.counts[seen, None]

    def step(self, data_batch):
        if self.iter == 0:
            self.runner.model.centroids.copy_(self.points()[torch.randperm(60)[:3]])
        if self.iter % self.renew == 0:
            if self.iter:
                self.maximize()
            self.expect()
        targets = self.targets[data_batch['index']]
        self.sums.index_add_(0, targets, data_batch['inputs'])
        self.counts += targets.bincount(minlength=3)
        distances = self.runner.model(data_batch['inputs']).gather(1, targets[:, None])
        self.check_losses({'inertia': distances})
        return {'inertia': distances.mean()}

    def state_dict(self):
        return dict(targets=self.targets, sums=self.sums, counts=self.counts)

    def load_state_dict(self, state):
        self.targets, self.sums, self.counts = state['targets'], state['sums'], state['counts']


@MODELS.register_module(force=True)
class TwoNetworks(BaseModel):
    """Each is to say what the other says, and a number of its own."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Linear(2, 4), nn.Dropout(), nn.Linear(4, 1)).double()
        self.second = nn.Linear(2, 1).double()

    def forward(self, inputs, mode='tensor', turn=None, **kwargs):
        with torch.no_grad():
            other = getattr(self, 'second' if turn == 'first' else 'first')(inputs)
        own = getattr(self, turn)(inputs)
        return {f'{turn}.loss_agree': ((own - other) ** 2).mean(), f'{turn}.loss': own.mean() ** 2}


@OPTIM_WRAPPER_CONSTRUCTORS.register_module(force=True)
class OneForEachNetwork:
    """An optimizer wrapper for each network: ``optimizer`` holds a config for each."""

    def __init__(self, optim_wrapper_cfg, paramwise_cfg=None):
        self.cfg = optim_wrapper_cfg

    def __call__(self, model):
        return OptimWrapperDict(
            **{
                name: DefaultOptimWrapperConstructor(dict(optimizer=optimizer))(
                    getattr(model, name)
                )
                for name, optimizer in self.cfg['optimizer'].items()
            }
        )


@LOOPS.register_module(force=True)
class TurnLoop(StepLoop):
    """Both networks take a step on each batch, the second with the first's new weights."""

    def step(self, data_batch):
        model, logged = self.runner.model, {}
        for name, optimizer in self.runner.optim_wrapper.items():
            with optimizer.optim_context(model):
                losses = model(**data_batch, mode='loss', turn=name)
            total, found = model.parse_losses(losses)
            optimizer.update_params(total)
            found[f'{name}.total'] = found.pop('loss')
            logged.update(found)
        return logged
