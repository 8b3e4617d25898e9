"""Random numbers follow from the seed and the progress, whatever loads the samples."""

import copy
import pickle
import uuid

import pytest
import torch
from mmdet.datasets import MultiImageMixDataset
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset
from mmengine.model import BaseModel
from mmengine.runner import Runner

from mmvisx.engine.hooks import random_state
from mmvisx.engine.hooks.random_state import Draw, NumberedSampler
from mmvisx.utils.random_numbers import seed_everything
from tests.helpers.interrupted_training import augment, draw_numbers


class Numbers(BaseDataset):
    """Six samples."""

    def load_data_list(self):
        return [{'value': i} for i in range(6)]


class Recorder(BaseModel):
    """A weight whose gradient depends on the data's and on the model's random numbers."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
        self.seen, self.drawn = [], []

    def forward(self, sample, numbers, mode='tensor'):
        self.seen += [(int(s), *n.tolist()) for s, n in zip(sample, numbers, strict=True)]
        self.drawn.append(draw_numbers())
        return {'loss': ((numbers.mean(0) * self.weight).sum() - self.drawn[-1][2]) ** 2}


def plain():
    return Numbers(pipeline=[augment])


WRAPPERS = {
    'plain': plain,
    'concat': lambda: ConcatDataset([plain(), plain()]),
    'repeat': lambda: RepeatDataset(plain(), 2),
    'mix': lambda: MultiImageMixDataset(plain(), [dict(type='mmvisx_interrupted_mix')]),
}


def train(
    folder,
    dataset='plain',
    workers=0,
    seed=3,
    by_epoch=True,
    sampler='Default',
    loader=None,
    default_hooks=None,
    **options,
):
    """Train for three epochs (or nine iterations) of two samples an iteration."""
    length = dict(max_epochs=3) if by_epoch else dict(max_iters=9)
    runner = Runner(
        Recorder(),
        str(folder),
        train_dataloader=loader
        or dict(
            batch_size=2,
            dataset=WRAPPERS[dataset](),
            sampler=dict(type=f'{sampler}Sampler', shuffle=True),
            collate_fn=dict(type='default_collate'),
            num_workers=workers,
            persistent_workers=workers > 0,
        ),
        train_cfg=dict(by_epoch=by_epoch, **length),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
        default_hooks=default_hooks
        or dict(
            checkpoint=dict(type='CheckpointHook', by_epoch=by_epoch, interval=1 if by_epoch else 4)
        ),
        custom_hooks=[dict(type='mmvisx.RandomStateHook')],
        randomness=dict(seed=seed),
        experiment_name=uuid.uuid4().hex,
        **options,
    )
    model = runner.train()
    if workers:
        # Left to the garbage collector, each worker takes 5 s to stop.
        runner.train_dataloader._iterator._shutdown_workers()
    return model


@pytest.mark.parametrize('dataset', WRAPPERS)
def test_any_number_of_workers_draws_the_same(tmp_path, dataset):
    alone, one, two = (train(tmp_path / str(n), dataset, n) for n in (0, 1, 2))
    assert alone.seen == one.seen == two.seen
    assert alone.drawn == one.drawn == two.drawn
    assert torch.equal(alone.weight, two.weight)


@pytest.mark.parametrize('dataset', WRAPPERS)
def test_no_two_samples_of_a_run_get_the_same_numbers(tmp_path, dataset):
    model = train(tmp_path, dataset)
    numbers = [value for _, *values in model.seen for value in values]
    numbers += [value for values in model.drawn for value in values]
    # 3 epochs; the wrappers of two data sets hold each sample twice.
    samples = 12 if dataset in ('concat', 'repeat') else 6
    assert len(set(numbers)) == len(numbers) == 3 * (samples * 3 + samples // 2 * 3)


@pytest.mark.parametrize('workers', [0, 1])
def test_resumed_epochs_are_the_uninterrupted_ones(tmp_path, workers):
    whole = train(tmp_path / 'whole', workers=workers)
    # The resumed run does not know the seed: the checkpoint does.
    resumed = train(
        tmp_path / 'resumed',
        workers=workers,
        seed=None,
        load_from=str(tmp_path / 'whole' / 'epoch_1.pth'),
        resume=True,
    )
    assert resumed.seen == whole.seen[6:]
    assert resumed.drawn == whole.drawn[3:]
    assert torch.equal(resumed.weight, whole.weight)


@pytest.mark.parametrize('workers', [0, 2])
@pytest.mark.parametrize('sampler', ['Default', 'Infinite'])
def test_resumed_iterations_are_the_uninterrupted_ones(tmp_path, monkeypatch, sampler, workers):
    # mmengine waits for two seconds after each pass over the data.
    monkeypatch.setattr('mmengine.runner.loops.time.sleep', lambda seconds: None)
    loop = dict(by_epoch=False, sampler=sampler, workers=workers)
    whole = train(tmp_path / 'whole', **loop)
    resumed = train(
        tmp_path / 'resumed',
        seed=None,
        load_from=str(tmp_path / 'whole' / 'iter_4.pth'),
        resume=True,
        **loop,
    )
    assert len(resumed.drawn) == 5
    assert resumed.drawn == whole.drawn[4:]
    assert resumed.seen == whole.seen[8:]
    assert torch.equal(resumed.weight, whole.weight)
    assert len({numbers for _, *rest in whole.seen for numbers in rest}) == 9 * 2 * 3


def whole_batch(index):
    return {'sample': torch.tensor([index] * 2), 'numbers': torch.ones(2, 3, dtype=torch.float64)}


class Batches(torch.utils.data.Dataset):
    """Three batches, each an item."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return whole_batch(index)


class Stream(torch.utils.data.IterableDataset):
    """Three batches without a number."""

    def __iter__(self):
        return map(whole_batch, range(3))

    def __len__(self):
        return 3


class InTurn:
    """A batch sampler without a sampler of single samples."""

    def __iter__(self):
        return iter([[0, 1], [2, 3], [4, 5]])

    def __len__(self):
        return 3


def loaders():
    data = torch.utils.data
    return {
        'no batch sampler': data.DataLoader(Batches(), batch_size=None),
        'no sampler': data.DataLoader(plain(), batch_sampler=InTurn()),
        'a stream': data.DataLoader(Stream(), batch_size=None),
        'a list': data.DataLoader([augment({'sample_idx': k}) for k in range(6)], 2),
    }


@pytest.mark.parametrize('kind', loaders())
def test_loaders_whose_samples_cannot_be_numbered(tmp_path, capsys, kind):
    """The main process is seeded all the same, and what is missing is said."""
    hooks = dict(
        sampler_seed=None,  # MMEngine's own looks for batch_sampler.sampler, too
        checkpoint=dict(type='CheckpointHook', interval=1),
    )
    whole = train(tmp_path / 'whole', loader=loaders()[kind], default_hooks=hooks)
    assert len(whole.drawn) == 9
    assert 'no sampler of single samples' in capsys.readouterr().out
    resumed = train(
        tmp_path / 'resumed',
        loader=loaders()[kind],
        default_hooks=hooks,
        seed=None,
        load_from=str(tmp_path / 'whole' / 'epoch_1.pth'),
        resume=True,
    )
    assert resumed.drawn == whole.drawn[3:]


def test_another_seed_draws_other_numbers(tmp_path):
    one, other = train(tmp_path / 'a', seed=3), train(tmp_path / 'b', seed=4)
    assert not {values[1:] for values in one.seen} & {values[1:] for values in other.seen}
    assert not {values[0] for values in one.drawn} & {values[0] for values in other.drawn}


def test_ranks_share_the_samples_numbers_and_not_the_iterations(tmp_path, monkeypatch):
    first = train(tmp_path / 'first')
    monkeypatch.setattr(random_state, 'get_rank', lambda: 1)
    second = train(tmp_path / 'second')
    assert first.seen == second.seen  # one process here: the ranks load the same samples
    assert not {values[0] for values in first.drawn} & {values[0] for values in second.drawn}


def test_seed_everything_keeps_its_keys_apart():
    keys = [(0,), (1,), (0, 1), (1, 1), (0, 1, 1), (1, 0, 1)]
    drawn = []
    for key in keys:
        seed_everything(*key)
        drawn.append(draw_numbers())
        seed_everything(*key)
        assert draw_numbers() == drawn[-1]
    assert len({values[0] for values in drawn}) == len(keys)
    assert len({values[2] for values in drawn}) == len(keys)


def test_numbered_sampler_counts_passes_and_stands_in_for_the_sampler():
    sampler = NumberedSampler(torch.utils.data.SequentialSampler(range(2)))
    sampler.start = 5
    passes = [[(int(d), d.when) for d in sampler] for _ in range(2)]
    assert passes == [[(0, (0, 5)), (1, (0, 6))], [(0, (1, 0)), (1, (1, 1))]]
    assert len(sampler) == 2
    assert sampler.data_source == range(2)
    assert not hasattr(sampler, 'set_epoch')
    assert len(copy.deepcopy(sampler)) == 2


def test_a_draw_travels_to_a_worker():
    draw = Draw(4)
    draw.when = (1, 2)
    arrived = pickle.loads(pickle.dumps(draw))
    assert (arrived, arrived.when) == (4, (1, 2))
