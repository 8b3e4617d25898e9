"""What a user of the library takes from the package, and the words it explains."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from mmvisx.surgery import neural_rejuvenation as nr
from mmvisx.surgery.neural_rejuvenation.rebuild import Rebuild
from tests.helpers.neural_rejuvenation_nets import IMAGES, Chain, convolution_weights

X = torch.randn(IMAGES, generator=torch.Generator().manual_seed(0))


def test_a_network_is_rejuvenated_with_the_public_names_alone():
    """The docstring's example, with a third of each layer's scales at zero."""
    torch.manual_seed(0)
    model = Chain()
    total = convolution_weights(model)
    graph = nr.build_channel_graph(model, X)
    assert isinstance(graph, nr.ChannelGraph)
    assert [group.width for group in graph.groups] == [12, 20, 16]
    for name in ('body.0.1', 'body.1.1', 'body.3.1'):
        norm = model.get_submodule(name)
        norm.weight.data[: norm.num_features // 4] = 0
    state = nr.utilization(model, graph)
    # 9 of 12, 15 of 20 and 12 of 16 neurons live.
    assert state.used == 9 * (3 * 9 + 9 * 15 + 15 * 12)
    assert state.total == nr.cost(graph, 'params') == total == 9 * (3 * 12 + 12 * 20 + 20 * 16)
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    result = nr.rejuvenate(model, graph, total, optimizers=[optimizer])
    assert result.survived == [9, 15, 12]
    assert 0.95 * total <= convolution_weights(model) <= total
    held = {id(p) for group in optimizer.param_groups for p in group['params']}
    assert held == {id(p) for p in model.parameters()}


def test_every_word_of_the_table_is_in_use_and_none_is_explained_twice():
    table = nr.__doc__.split('Words, each')[1].split('====\n')[1]
    rows = re.findall(r'^(\w.*?)  +\S', table, re.MULTILINE)
    words = [word for row in rows for word in row.split(', ')]
    assert {'group', 'reader', 'alive', 'kept', 'width', 'segment', 'generation'} <= set(words)
    assert len(words) == len(set(words))
    folder = Path(nr.__file__).parent
    code = ' '.join(p.read_text() for p in folder.glob('*.py') if p.name != '__init__.py')
    assert [word for word in words if not re.search(rf'\b{word}', code)] == []


def test_nothing_is_replaced_before_everything_is_ready():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    conv, scale = model[0].weight, model[1].weight
    rebuild = Rebuild(model)
    rebuild.replace_layer('0', nn.Conv2d(3, 2, 1))
    rebuild.replace_norm('1', {key: torch.ones(2) for key in ('weight', 'bias', 'running_mean')})
    assert model[0].weight is conv
    assert model[1].weight is scale
    with pytest.raises(AttributeError):
        rebuild.replace_layer('2', nn.Conv2d(3, 2, 1))
    assert model(torch.zeros(2, 3, 1, 1)).shape == (2, 4, 1, 1)
    changes = rebuild.commit()
    assert (model[0].out_channels, model[1].num_features) == (2, 2)
    assert changes[0].old[0].parameter is conv
    assert {id(change.new[0].parameter) for change in changes} == set(map(id, model.parameters()))
