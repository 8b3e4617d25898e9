"""DetectoRS against mmdet's implementation with the same weights.

Rounding: with offsets, float32 features of the reference differ from its own float64
ones by 2e-6, so 1e-5 is asked in float32, and what is computed is compared in float64.
"""

from pathlib import Path

import mmdet
import pytest
import torch
from mmdet.registry import MODELS as MMDET_MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmvisx.registry import MODELS
from tests.helpers.detectors_pairs import (
    RESNEXT,
    build_pair,
    gradient_errors,
    gradients,
    images,
    relative_errors,
)

FAMILIES = {'resnet': None, 'resnext': RESNEXT}
SMALL = {'resnet': None, 'resnext': dict(groups=4, base_width=8)}
MMDET_CONFIGS = Path(mmdet.__file__).parent / '.mim' / 'configs'
HTC_PAIRS = {
    'htc': 'htc/htc_r50_fpn_1x_coco.py',
    'htc_rfp': 'detectors/htc_r50-rfp_1x_coco.py',
    'htc_sac': 'detectors/htc_r50-sac_1x_coco.py',
    'htc_rfp_sac': 'detectors/detectors_htc-r50_1x_coco.py',
}


@pytest.mark.parametrize('deform', [True, False])
@pytest.mark.parametrize('family', FAMILIES)
@torch.no_grad()
def test_full_size_features(family, deform):
    reference, ours = build_pair(resnext=FAMILIES[family], deform=deform)
    x = images()
    for mode in (False, True):
        expected, found = reference.train(mode)(x), ours.train(mode)(x)
        assert len(found) == 5
        assert max(relative_errors(found, expected)) < 1e-5
    # Train mode has moved the running statistics of both alike.
    norms = ('backbone.layer4.2.bn3', 'neck.rfp_modules.0.layer4.2.bn3')
    for name in norms:
        a, b = (model.get_submodule(name).running_mean for model in (ours, reference))
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ('mode', 'deform', 'norm_eval'),
    [
        ('train', True, False),
        ('eval', True, False),
        ('train', False, False),
        ('eval', False, False),
        ('train', True, True),  # as the chapter trains: frozen statistics and first stage
    ],
)
@pytest.mark.parametrize('family', SMALL)
def test_features_and_gradients_in_double_precision(family, mode, deform, norm_eval):
    reference, ours = build_pair(
        double=True,
        resnext=SMALL[family],
        deform=deform,
        base_channels=16,
        norm_eval=norm_eval,
        frozen_stages=1 if norm_eval else -1,
    )
    x = images().double()
    for model in (reference, ours):
        model.train(mode == 'train')
    with torch.no_grad():
        assert max(relative_errors(ours(x), reference(x))) < 1e-11
    errors = gradient_errors(reference, ours, x)
    assert max(errors.values()) < 1e-9, max(errors, key=errors.__getitem__)


def test_three_steps():
    reference, ours = build_pair(double=True, base_channels=16, steps=3)
    x = images().double()
    errors = gradient_errors(reference.eval(), ours.eval(), x)
    assert any('rfp_modules.1.' in name for name in errors)
    assert max(errors.values()) < 1e-9
    with torch.no_grad():
        assert max(relative_errors(ours(x), reference(x))) < 1e-11


@pytest.mark.parametrize(
    'options',
    [
        dict(avg_down=True, deep_stem=True),
        dict(style='caffe'),
        dict(strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2)),
    ],
    ids=str,
)
def test_variants_of_the_backbone(options):
    reference, ours = build_pair(double=True, base_channels=16, **options)
    x = images().double()
    errors = gradient_errors(reference.eval(), ours.eval(), x)
    assert max(errors.values()) < 1e-9, max(errors, key=errors.__getitem__)


def test_gradients_in_float32():
    reference, ours = build_pair(base_channels=16)
    x = images()
    with torch.no_grad():
        probes = [torch.randn_like(out) for out in reference.eval()(x)]
    expected, found = (gradients(model.eval(), x, probes) for model in (reference, ours))
    # One value that rounding moves across a ReLU's zero, or across a pixel centre of the bilinear
    # sampling, changes the total by 1e-3: the reference differs by as much from itself in
    # float64. So most parameters must agree closely, and all together no worse than that;
    # the strict comparison is the one in float64 above.
    errors = relative_errors(found.values(), (expected[name] for name in found))
    assert torch.tensor(errors).quantile(0.5) < 1e-5
    difference = sum((found[name] - value).square().sum() for name, value in expected.items())
    total = sum(value.square().sum() for value in expected.values())
    assert (difference / total).sqrt() < 5e-3


@pytest.mark.slow
@pytest.mark.parametrize('deform', [True, False])
@pytest.mark.parametrize('family', FAMILIES)
def test_full_size_gradients(family, deform):
    reference, ours = build_pair(double=True, resnext=FAMILIES[family], deform=deform)
    x = images().double()
    # Train mode last: it moves the running statistics, and the reference runs twice.
    for mode in (False, True):
        errors = gradient_errors(reference.train(mode), ours.train(mode), x)
        assert max(errors.values()) < 1e-9, max(errors, key=errors.__getitem__)


def build_on_meta(path, registry):
    """Build a config's model without memory for its weights."""
    cfg = Config.fromfile(path)
    with DefaultScope.overwrite_default_scope('mmdet'), torch.device('meta'):
        return registry.build(cfg.model)


@pytest.mark.parametrize('name', HTC_PAIRS)
def test_detectors_have_the_names_of_the_reference(repo, name):
    ours = build_on_meta(repo / f'configs/detectors/{name}.py', MODELS)
    theirs = build_on_meta(MMDET_CONFIGS / HTC_PAIRS[name], MMDET_MODELS)
    a, b = ours.state_dict(), theirs.state_dict()
    assert {k: v.shape for k, v in a.items()} == {k: v.shape for k, v in b.items()}
    ours.load_state_dict(b, strict=True, assign=True)
    trained = [{n for n, p in m.named_parameters() if p.requires_grad} for m in (ours, theirs)]
    assert trained[0] == trained[1]
    if name == 'htc_rfp_sac':
        assert sum(p.numel() for p in ours.parameters()) == 134_754_552


def test_detector_without_semantic_branch_drops_only_that(repo):
    full, without = (
        set(build_on_meta(repo / f'configs/detectors/{name}.py', MODELS).state_dict())
        for name in ('htc_rfp_sac', 'htc_rfp_sac_without_semantic')
    )
    assert without < full
    assert all(name.startswith('roi_head.semantic_head.') for name in full - without)
