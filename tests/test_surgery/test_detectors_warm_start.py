"""RFP and SAC start from a trained detector without them as the identity."""

import copy

import pytest
import torch
from mmdet.testing import demo_mm_inputs
from mmdet.utils import register_all_modules
from mmengine.config import Config

from mmvisx.cli.model_converters.warm_start_detectors import main
from mmvisx.registry import MODELS
from mmvisx.surgery import warm_start_detectors
from mmvisx.utils import UserError
from mmvisx.utils.checkpoint import read_checkpoint

ARMS = ('ws', 'rfp', 'sac', 'rfp_sac')


@pytest.fixture(scope='module')
def build(repo):
    def build(arm, seed=0):
        register_all_modules(init_default_scope=True)
        torch.manual_seed(seed)
        model = MODELS.build(
            Config.fromfile(repo / f'configs/detectors/htc_{arm}_nano_context.py').model
        )
        model.init_weights()
        return model

    return build


@pytest.fixture(scope='module')
def start(build):
    """The plain detector as if it were trained: nothing is at its initial value."""
    model = build('ws')
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.is_floating_point():
                value.mul_(1 + 0.1 * torch.rand_like(value)).add_(0.01 * torch.rand_like(value))
    return model


DATA = demo_mm_inputs(
    2, [(3, 128, 128)] * 2, num_items=[3, 4], num_classes=6, with_mask=True, with_semantic=True
)


def losses(model):
    data = copy.deepcopy(DATA)
    model.train()
    torch.manual_seed(0)  # which proposals are sampled
    terms = model(**model.data_preprocessor(data, True), mode='loss')
    total, values = model.parse_losses(terms)
    return total, {name: value.item() for name, value in values.items()}


@pytest.mark.parametrize('arm', ARMS[1:])
def test_first_losses_are_equal_and_everything_learns(build, start, arm):
    model = build(arm, seed=1)
    _, before = losses(copy.deepcopy(model))
    warm_start_detectors(model, start.state_dict())
    _, expected = losses(copy.deepcopy(start))
    total, found = losses(model)
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-4)
    assert before['loss'] != pytest.approx(expected['loss'], rel=1e-3)  # the weights matter
    total.backward()
    moved = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    for part, arms in (('rfp_conv', ('rfp', 'rfp_sac')), ('switch', ('sac', 'rfp_sac'))):
        assert any(part in name for name in moved) == (arm in arms)


def test_further_backbone_is_a_copy(build, start):
    model = build('rfp_sac', seed=1)
    warm_start_detectors(model, start.state_dict())
    first, second = model.backbone.state_dict(), model.neck.rfp_modules[0].state_dict()
    assert set(first) < set(second)
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert torch.equal(first['layer3.0.conv2.weight'], start.backbone.layer3[0].conv2.weight)
    assert torch.equal(
        first['layer3.0.conv2.weight_gamma'], start.backbone.layer3[0].conv2.weight_gamma
    )


def test_refuses_what_does_not_fit(build, start):
    state = start.state_dict()
    model = build('sac')
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(UserError, match=r'has weights without a place, extra\.weight'):
        warm_start_detectors(model, {**state, 'extra.weight': torch.zeros(1)})
    less = {name: value for name, value in state.items() if not name.startswith('rpn_head')}
    with pytest.raises(UserError, match=r'lacks rpn_head\.rpn_conv\.weight'):
        warm_start_detectors(model, less)
    name = 'roi_head.bbox_head.0.fc_cls.weight'
    with pytest.raises(UserError, match=name):
        warm_start_detectors(model, {**state, name: state[name][:3]})
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_tool(build, start, repo, tmp_path, capsys):
    torch.save({'state_dict': start.state_dict()}, tmp_path / 'start.pth')
    config = str(repo / 'configs/detectors/htc_rfp_sac_nano_context.py')
    assert main([str(tmp_path / 'start.pth'), config, str(tmp_path / 'new' / 'out.pth')]) == 0
    assert 'of them new' in capsys.readouterr().out
    model = build('rfp_sac', seed=5)
    model.load_state_dict(read_checkpoint(tmp_path / 'new' / 'out.pth')['state_dict'])
    _, expected = losses(copy.deepcopy(start))
    assert losses(model)[1] == pytest.approx(expected, rel=1e-4, abs=1e-4)
