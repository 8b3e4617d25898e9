"""The chapter's ablations (Tables 6-II, 6-III) and main results: sizes, switches, nano twins."""

import copy
from pathlib import Path

import mmdet
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmvisx.models.backbones import DetectoRSResNet
from mmvisx.models.layers import SwitchableAtrousConv2d
from mmvisx.models.necks import RecursiveFeaturePyramid
from mmvisx.registry import MODELS

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
FOLDER = CONFIGS / 'detectors'
MMDET = Path(mmdet.__file__).parent / '.mim/configs/detectors'

# 3x3 convolutions of stages 2 to 4 by their number of channels
BLOCKS = ((128, 4), (256, 6), (512, 3))


def over_blocks(count):
    """Sum ``count(channels)`` over the convolutions that SAC replaces."""
    return sum(number * count(channels) for channels, number in BLOCKS)


# What the parts add to a ResNet-50 with FPN.
HTC = 80_258_293  # mmdet's HTC; test_configs compares the configs
BACKBONE = 23_508_032  # ResNet-50 without its classifier
SWITCH = over_blocks(lambda c: c + 1)
WEIGHT_DIFF = over_blocks(lambda c: 9 * c * c)
CONTEXT = over_blocks(lambda c: 2 * (c * c + c))
OFFSETS = over_blocks(lambda c: 2 * 18 * (9 * c + 1))
SAC = SWITCH + WEIGHT_DIFF + CONTEXT
FEEDBACK = sum(256 * 4 * c + 4 * c for c, _ in BLOCKS)
ASPP = 2 * (256 + 1) * 64 + 2 * (9 * 256 + 1) * 64
FUSION = 256 + 1
STEP = BACKBONE + FEEDBACK  # a further step's backbone

# name -> parameters, from the formulas of the parts and as a plain number
ABLATIONS = {
    'htc': (HTC, 80_258_293),
    'htc_rfp': (HTC + STEP + ASPP + FUSION, 105_015_606),
    'htc_rfp_sharing': (HTC + FEEDBACK + ASPP + FUSION, 81_507_574),
    'htc_rfp_no_aspp': (HTC + STEP + FUSION, 104_687_670),
    'htc_rfp_no_fusion': (HTC + STEP + ASPP, 105_015_349),
    'htc_rfp_3_steps': (HTC + 2 * STEP + ASPP + FUSION, 129_444_726),
    'htc_sac': (HTC + SAC + OFFSETS, 95_127_766),
    'htc_sac_no_dcn': (HTC + SAC, 93_966_082),
    'htc_sac_no_dcn_no_global': (HTC + SAC - CONTEXT, 91_468_546),
    'htc_sac_no_dcn_no_locking': (HTC + SAC, 93_966_082),
    'htc_sac_no_dcn_dual_switch': (HTC + SAC + SWITCH, 93_969_679),
    'htc_rfp_sac': (HTC + STEP + ASPP + FUSION + 2 * (SAC + OFFSETS), 134_754_552),
}
RFP_ON = dict(rfp_steps=2, rfp_sharing=False, aspp=True, fusion=True)
SAC_ON = dict(use_deform=True, global_context=True, lock_weights=True, dual_switch=False)
NO_DCN = dict(SAC_ON, use_deform=False)
# name -> switches of RFP and of SAC; None: not there
SWITCHES = {
    'htc': (None, None),
    'htc_rfp': (RFP_ON, None),
    'htc_rfp_sharing': (dict(RFP_ON, rfp_sharing=True), None),
    'htc_rfp_no_aspp': (dict(RFP_ON, aspp=False), None),
    'htc_rfp_no_fusion': (dict(RFP_ON, fusion=False), None),
    'htc_rfp_3_steps': (dict(RFP_ON, rfp_steps=3), None),
    'htc_sac': (None, SAC_ON),
    'htc_sac_no_dcn': (None, NO_DCN),
    'htc_sac_no_dcn_no_global': (None, dict(NO_DCN, global_context=False)),
    'htc_sac_no_dcn_no_locking': (None, dict(NO_DCN, lock_weights=False)),
    'htc_sac_no_dcn_dual_switch': (None, dict(NO_DCN, dual_switch=True)),
    'htc_rfp_sac': (RFP_ON, SAC_ON),
}

# As in the headers: box AP of Table 6-III.
TABLE_6_III = {
    'htc_rfp_sharing': '45.4',
    'htc_rfp_no_aspp': '45.7',
    'htc_rfp_no_fusion': '45.9',
    'htc_rfp_3_steps': '47.5',
    'htc_sac_no_dcn': '45.3',
    'htc_sac_no_dcn_no_global': '44.3',
    'htc_sac_no_dcn_no_locking': '44.7',
    'htc_sac_no_dcn_dual_switch': '45.1',
}
# name -> epochs, parameters
OTHERS = {
    'htc_rfp_sac_ms_40e': (40, ABLATIONS['htc_rfp_sac'][1]),
    'htc_rfp_sac_x101_32x4d_ms_40e': (40, 195_696_610),
    'htc_rfp_sac_x101_64x4d_ms_40e': (40, 403_186_658),
    'cascade_rcnn_rfp_sac': (12, 123_891_025),
    'faster_rcnn_rfp_sac': (12, 96_249_315),
}


@pytest.fixture(autouse=True)
def _scope():
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


def load(name):
    """Read a recipe."""
    return Config.fromfile(FOLDER / f'{name}.py')


def build(model):
    """Build without memory."""
    with torch.device('meta'):
        return MODELS.build(model)


def size(model):
    """Number of parameters."""
    return sum(p.numel() for p in model.parameters())


def check_switches(model, name):
    """Compare the built modules with ``SWITCHES``."""
    rfp, sac = SWITCHES[name]
    necks = [m for m in model.modules() if isinstance(m, RecursiveFeaturePyramid)]
    assert len(necks) == (rfp is not None)
    for neck in necks:
        found = dict(
            rfp_steps=neck.rfp_steps,
            rfp_sharing=neck.rfp_sharing,
            aspp=neck.rfp_aspp is not None,
            fusion=neck.rfp_weight is not None,
        )
        assert found == rfp
        assert len(neck.rfp_modules) == (0 if neck.rfp_sharing else neck.rfp_steps - 1)
    convs = [m for m in model.modules() if isinstance(m, SwitchableAtrousConv2d)]
    assert bool(convs) == (sac is not None)
    for conv in convs:
        assert {key: getattr(conv, key) for key in sac} == sac
        assert hasattr(conv, 'offset_s') == sac['use_deform']
        assert hasattr(conv, 'pre_context') == sac['global_context']


@pytest.mark.parametrize('name', ABLATIONS)
def test_size_and_switches(name):
    model = build(load(name).model)
    from_parts, exact = ABLATIONS[name]
    assert size(model) == exact == from_parts
    check_switches(model, name)
    if SWITCHES[name][1]:
        backbones = [m for m in model.modules() if isinstance(m, DetectoRSResNet)]
        assert backbones
        for backbone in backbones:
            places = {key.split('.')[0] for key, m in backbone.named_modules()
                      if isinstance(m, SwitchableAtrousConv2d)}  # fmt: skip
            assert places == {'layer2', 'layer3', 'layer4'}


@pytest.mark.parametrize('name', TABLE_6_III)
def test_only_the_switch_differs_from_its_parent(name):
    cfg = load(name)
    parent = load('htc_rfp' if 'rfp' in name else 'htc_sac')
    for key in ('train_cfg', 'param_scheduler', 'optim_wrapper', 'train_dataloader'):
        assert cfg[key] == parent[key]
    assert cfg.model.roi_head == parent.model.roi_head
    assert f'val2017: {TABLE_6_III[name]} (Table 6-III)' in (FOLDER / f'{name}.py').read_text()


@pytest.mark.parametrize('name', [*ABLATIONS, *OTHERS])
def test_at_most_three_deep(name):
    def depth(path):
        bases = Config._get_base_files(str(path))  # of one file, not of its parents
        parents = [(path.parent / base).resolve() for base in bases]
        return 1 + max((depth(parent) for parent in parents), default=-1)

    assert depth(FOLDER / f'{name}.py') <= 3


@pytest.mark.parametrize('name', OTHERS)
def test_main_results(name):
    epochs, parameters = OTHERS[name]
    cfg = load(name)
    assert size(build(cfg.model)) == parameters
    assert cfg.train_cfg.max_epochs == epochs
    drops = cfg.param_scheduler[1]
    assert (drops.end, list(drops.milestones)) == (epochs, [36, 39] if epochs == 40 else [8, 11])
    assert cfg.optim_wrapper == load('htc').optim_wrapper
    # Base and child of a data set must agree on the pipeline.
    assert cfg.train_dataloader.dataset.pipeline == cfg.train_pipeline
    if epochs == 40:
        assert cfg.train_pipeline[2] == dict(
            type='RandomResize', scale=[(1333, 400), (1333, 1200)], keep_ratio=True
        )
        assert cfg.model.test_cfg.rcnn.score_thr == 0.001
    else:
        assert cfg.val_evaluator.metric == cfg.test_evaluator.metric == 'bbox'
        assert 'seg' not in cfg.train_dataloader.dataset.data_prefix


def test_multi_scale_model_is_the_one_of_the_ablations():
    assert load('htc_rfp_sac_ms_40e').model == load('htc_rfp_sac').model


def test_cascade_is_mmdets():
    ours = load('cascade_rcnn_rfp_sac').model.to_dict()
    theirs = Config.fromfile(MMDET / 'detectors_cascade-rcnn_r50_1x_coco.py').model.to_dict()
    del ours['backbone'], ours['neck'], theirs['backbone'], theirs['neck']
    # What mmdet says and what is the default
    assert ours['data_preprocessor'].pop('pad_seg') is False
    assert theirs['train_cfg']['rpn']['assigner'].pop('match_low_quality') is True
    assert ours == theirs
    full = load('htc_rfp_sac').model
    assert load('cascade_rcnn_rfp_sac').model.backbone == full.backbone
    assert load('cascade_rcnn_rfp_sac').model.neck == full.neck


@pytest.mark.parametrize('groups', [32, 64])
def test_resnext(groups):
    model = load(f'htc_rfp_sac_x101_{groups}x4d_ms_40e').model
    for backbone in (model.backbone, model.neck.rfp_backbone):
        assert backbone.type == 'mmvisx.DetectoRSResNeXt'
        assert (backbone.depth, backbone.groups, backbone.base_width) == (101, groups, 4)
        assert backbone.init_cfg.checkpoint == f'open-mmlab://resnext101_{groups}x4d'
        assert backbone.sac.use_deform
    assert model.test_cfg.rcnn.nms == dict(type='soft_nms', iou_threshold=0.5)
    # mmdet's backbone with the same arguments
    arguments = {k: v for k, v in model.backbone.items() if k not in ('sac', 'conv_cfg', 'type')}
    theirs = build(dict(arguments, type='DetectoRS_ResNeXt', conv_cfg=dict(type='ConvAWS'),
                        sac=dict(type='SAC', use_deform=True)))  # fmt: skip
    assert size(build(model.backbone)) == size(theirs)


def twin(name):
    """Return the model of the nano recipe with the switches of a full-size one."""
    full = load(name).model
    nano = load('htc_rfp_sac_nano_shapes').model
    shrunk = {k: nano.backbone[k] for k in ('depth', 'base_channels', 'norm_eval')}
    kept = ('type', 'conv_cfg', 'sac', 'output_img', 'rfp_sharing')

    def shrink(backbone):
        small = dict(shrunk, **{k: copy.deepcopy(backbone[k]) for k in kept if k in backbone})
        if 'rfp_inplanes' in backbone:
            small['rfp_inplanes'] = nano.neck.out_channels
        if backbone.type == 'ResNet':  # which has no bottlenecks of this depth
            small['type'] = 'mmvisx.DetectoRSResNet'
        return small

    neck = copy.deepcopy(full.neck)
    sizes = ('in_channels', 'out_channels', 'num_outs')
    neck.update({k: nano.neck[k] for k in sizes})
    if 'aspp_out_channels' in neck:
        neck.aspp_out_channels = nano.neck.aspp_out_channels
    if neck.get('rfp_backbone'):
        neck.rfp_backbone = shrink(neck.rfp_backbone)
    nano.backbone, nano.neck = shrink(full.backbone), neck
    return nano


@pytest.fixture(scope='module')
def batch(tmp_path_factory):
    """Two rendered images, packed."""
    from mmengine.dataset import pseudo_collate

    from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes
    from mmvisx.registry import DATASETS

    root = tmp_path_factory.mktemp('data') / 'shapes'
    make_shapes(root, ShapesConfig(train=2, val=1, size=64))
    with DefaultScope.overwrite_default_scope('mmdet'):
        dataset = load('htc_rfp_sac_nano_shapes').train_dataloader.dataset
        dataset.data_root = f'{root}/coco/'
        return pseudo_collate([DATASETS.build(dataset)[i] for i in (0, 1)])


@pytest.mark.parametrize('name', ABLATIONS)
def test_nano_twin_trains_two_iterations(name, batch):
    model = MODELS.build(twin(name))
    check_switches(model, name)
    model.init_weights()
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    for _ in range(2):
        data = model.data_preprocessor(copy.deepcopy(batch), training=True)
        loss, _ = model.parse_losses(model(**data, mode='loss'))
        assert torch.isfinite(loss)
        optimizer.zero_grad()
        loss.backward()
        without = [k for k, p in model.named_parameters() if p.grad is None]
        assert not without
        optimizer.step()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_the_table_of_switches_covers_every_ablation():
    assert set(SWITCHES) == set(ABLATIONS)


MULTI_SCALE = dict(type='RandomResize', scale=[(1333, 400), (1333, 1200)], keep_ratio=True)


@pytest.mark.parametrize('name', [*ABLATIONS, *OTHERS])
def test_schedule_and_sizes_of_section_6_5_1(name):
    """12 epochs with drops after 8 and 12 (the authors' code: 11), or 40 with 36 and 39."""
    cfg = load(name)
    epochs = 40 if name.endswith('40e') else 12
    drops = [36, 39] if epochs == 40 else [8, 11]
    assert cfg.train_cfg.max_epochs == epochs
    assert cfg.param_scheduler == [
        dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
        dict(type='MultiStepLR', begin=0, end=epochs, by_epoch=True, milestones=drops, gamma=0.1),
    ]
    # "We strictly follow the experimental settings of HTC": 16 images at 0.02.
    wrapper = cfg.optim_wrapper
    assert wrapper.optimizer == dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=1e-4)
    assert 8 * cfg.train_dataloader.batch_size == 16 == cfg.auto_scale_lr.base_batch_size
    resize = dict(type='Resize', scale=(1333, 800), keep_ratio=True)
    pipeline = cfg.train_dataloader.dataset.pipeline
    assert pipeline[2] == (MULTI_SCALE if epochs == 40 else resize)
    assert pipeline[3] == dict(type='RandomFlip', prob=0.5)
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.pipeline[1] == resize
        assert loader.dataset.ann_file == 'annotations/instances_val2017.json'
    assert cfg.train_dataloader.dataset.ann_file == 'annotations/instances_train2017.json'
