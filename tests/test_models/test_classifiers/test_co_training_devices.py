"""Views on several devices: who is where, what is refused, and that nothing else changes."""

import copy

import pytest
import torch

from mmvisx.models.classifiers import co_training_devices
from mmvisx.models.classifiers.co_training_devices import AtItsDevice, devices_of_views
from mmvisx.utils import UserError
from tests.helpers.co_training import batch_of, co_training, convolutional


@pytest.fixture
def machine(monkeypatch):
    """A machine of so many GPUs and processes."""

    def pretend(gpus, processes=1):
        monkeypatch.setattr(torch.cuda, 'device_count', lambda: gpus)
        monkeypatch.setattr(co_training_devices, 'get_world_size', lambda: processes)

    return pretend


def names(wanted, views):
    return [str(device) for device in devices_of_views(wanted, views)]


def test_views_take_the_devices_in_turns(machine):
    machine(gpus=2)
    assert names('auto', 5) == ['cuda:0', 'cuda:1', 'cuda:0', 'cuda:1', 'cuda:0']
    assert names(['cuda:1', 'cpu'], 3) == ['cuda:1', 'cpu', 'cuda:1']
    assert names(None, 2) == []


@pytest.mark.parametrize(('gpus', 'processes'), [(0, 1), (1, 1), (4, 2)])
def test_auto_leaves_views_together_where_there_is_one_device(machine, gpus, processes):
    machine(gpus, processes)
    assert names('auto', 4) == []


@pytest.mark.parametrize(
    ('wanted', 'message'),
    [
        (['cuda:0', 'cuda:2'], r"\['cuda:0', 'cuda:2'\]: there is no cuda:2, but 2 GPUs"),
        (['cuda:0', 'gpu1'], r"\['cuda:0', 'gpu1'\]: Invalid device string"),
        ('cuda:0', r"devices='cuda:0' should be 'auto' or a list"),
        ([], r"devices=\[\] should be 'auto' or a list"),
    ],
)
def test_devices_that_are_refused(machine, wanted, message):
    machine(gpus=2)
    with pytest.raises(UserError, match=message):
        devices_of_views(wanted, 2)


def test_several_processes_have_a_device_each(machine):
    machine(gpus=2, processes=2)
    with pytest.raises(UserError, match='each of several processes has a device of its own'):
        devices_of_views(['cuda:0', 'cuda:1'], 2)


def test_fewer_devices_than_asked_for_are_found_out_before_training(machine):
    machine(gpus=1)
    model = co_training(devices=['cuda:0', 'cuda:1'])  # can be built, to be tested elsewhere
    with pytest.raises(UserError, match='there is no cuda:1, but 1 GPUs'):
        model.init_weights()


def start_alike(*models):
    """Call init_weights of all, and give them the weights of the first."""
    for model in models:
        model.init_weights()
    weights = copy.deepcopy(models[0].state_dict())
    for model in models[1:]:
        model.load_state_dict(weights)


def three_steps(model, view_size=8):
    """Train for three steps; returns losses."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(3):
        images, samples = batch_of(2, size=view_size)
        device = model.data_preprocessor.device
        terms = model.loss(images.to(device), [sample.to(device) for sample in samples])
        loss = sum(value for name, value in terms.items() if name.startswith('loss'))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append({name: float(value) for name, value in terms.items()})
    return losses


@pytest.mark.parametrize('attack', ['fgsm', 'shared'])
def test_views_on_two_devices_learn_alike(attack):
    plain = co_training(4, view=convolutional(), attack=attack)
    spread = co_training(4, view=convolutional(), attack=attack, devices=['cpu', 'cpu'])
    start_alike(plain, spread)
    assert all(isinstance(network, AtItsDevice) for network in spread.networks)
    assert plain.networks == list(plain.views)
    assert three_steps(plain) == three_steps(spread)
    # Checkpoints are the same, too
    one, other = plain.state_dict(), spread.state_dict()
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    images, samples = batch_of(size=8)
    found = [m.eval()(images, copy.deepcopy(samples), mode='predict') for m in (plain, spread)]
    assert all(torch.equal(a.view_scores, b.view_scores) for a, b in zip(*found, strict=True))


def test_images_go_there_and_scores_come_back():
    class Elsewhere(torch.nn.Linear):
        """Stands for a network on another device, which only takes its own images."""

        def forward(self, x):
            assert x.device.type == 'meta'
            return super().forward(x)

    network = AtItsDevice(Elsewhere(3, 2, device='meta'))
    moves = []

    class Images(torch.Tensor):
        def to(self, device, **options):
            if isinstance(device, torch.device):
                moves.append(device.type)
            return torch.Tensor.to(self, device, **options)

    with pytest.raises(NotImplementedError, match='meta'):  # nothing comes back from there
        network(torch.zeros(4, 3).as_subclass(Images))
    assert moves == ['meta', 'cpu']
