"""One way to build a config's model: weights, device, classes, and the images it is fed."""

import ast
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate

from mmvisx.apis import Inferencer
from mmvisx.apis.build import build_model, build_test_pipeline
from mmvisx.apis.export.onnx import build_dense, read_photograph
from mmvisx.apis.run import build_runner, prepare_config
from mmvisx.utils import UserError
from mmvisx.utils.checkpoint import load_weights
from tests.helpers.first_input import first_input

# The data preprocessor stands at the top of the first, in the model of the others.
CLASSIFIER = 'bag_of_tricks/mobilenet_v1_baseline_imagenet'
DETECTOR = 'stacked_unet/faster_rcnn_sunet_fpn_nano_shapes'
SEGMENTOR = 'stacked_unet/sunet_nano_camvid'
# Colour of an image, in the order of cv2 (BGR), and what the networks see of it (RGB): minus
# the mean and divided by the standard deviation that the recipe names, worked out by hand.
COLOUR = (250, 10, 60)
SEEN = {
    CLASSIFIER: (-1.0905416, -1.8693802, 2.5457255),
    DETECTOR: (-1.0904187, -1.8606442, 2.5528540),
    SEGMENTOR: (-1.0904187, -1.8606442, 2.5528540),
}


def pixel(images):
    """The colour at the top left of the first image, which no padding reaches."""
    return images[0, :, 2, 2].tolist()


def recipe(repo, name, tmp_path, at_top=False, **more):
    cfg = prepare_config(repo / 'configs' / f'{name}.py', tmp_path / 'work')
    if at_top:
        cfg.data_preprocessor = cfg.model.pop('data_preprocessor')
    cfg.merge_from_dict(more)
    return cfg


def saved(model, path, **meta):
    torch.save(dict(state_dict=model.state_dict(), meta=meta), path)
    return path


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / 'photo.png'
    cv2.imwrite(str(path), np.full((96, 128, 3), COLOUR, np.uint8))
    return path


@pytest.mark.parametrize(
    ('name', 'at_top'),
    [(CLASSIFIER, False), (DETECTOR, False), (DETECTOR, True), (SEGMENTOR, True)],
)
def test_model_and_pipeline_prepare_an_image_as_the_runner_does(
    repo, name, at_top, photo, tmp_path
):
    cfg = recipe(repo, name, tmp_path, at_top)
    model = build_model(cfg)
    assert not any(module.training for module in model.modules())
    data = pseudo_collate([build_test_pipeline(cfg)(dict(img_path=str(photo)))])
    with torch.no_grad(), first_input() as seen:
        model.test_step(data)
    assert pixel(seen[0]) == pytest.approx(SEEN[name], abs=1e-5)

    for loader in ('train', 'val', 'test'):
        cfg.pop(f'{loader}_dataloader')
        cfg.pop(f'{loader}_evaluator', None)
        cfg.pop(f'{loader}_cfg')
    cfg.pop('optim_wrapper')
    cfg.pop('param_scheduler')
    cfg.pop('auto_scale_lr', None)
    cfg.custom_hooks = []
    runner_s = build_runner(cfg).model.data_preprocessor(data, False)['inputs']
    assert torch.equal(model.data_preprocessor(data, False)['inputs'], runner_s)


@pytest.mark.parametrize('at_top', [False, True])
def test_onnx_s_images_are_normalised(repo, at_top, photo, tmp_path):
    cfg = recipe(repo, DETECTOR, tmp_path, at_top)
    dense = build_dense(cfg, saved(build_model(cfg), tmp_path / 'weights.pth'))
    images = read_photograph(dense, photo, (96, 128))
    assert images.shape == (1, 3, 96, 128)
    assert pixel(images) == pytest.approx(SEEN[DETECTOR], abs=1e-5)


@pytest.mark.parametrize('at_top', [False, True])
def test_inferencer_s_images_are_normalised(repo, at_top, photo, tmp_path):
    cfg = recipe(repo, DETECTOR, tmp_path, at_top)
    checkpoint = saved(build_model(cfg), tmp_path / 'weights.pth')
    inferencer = Inferencer(cfg, checkpoint, 'cpu', show_progress=False, fuse=False)
    with first_input() as seen:
        inferencer(photo)
    assert pixel(seen[0]) == pytest.approx(SEEN[DETECTOR], abs=1e-5)


def test_classes_of_the_checkpoint_come_before_those_of_the_config(repo, tmp_path):
    cfg = recipe(repo, SEGMENTOR, tmp_path)
    model = build_model(cfg)
    assert model.dataset_meta['classes'][:3] == ('sky', 'building', 'pole')
    path = saved(model, tmp_path / 'own.pth', dataset_meta=dict(CLASSES=('a', 'b')))
    assert build_model(cfg, path).dataset_meta['classes'] == ('a', 'b')
    path = saved(model, tmp_path / 'none.pth')
    assert build_model(cfg, path).dataset_meta['classes'][:3] == ('sky', 'building', 'pole')
    cfg.pop('test_dataloader')
    assert build_model(cfg, path).dataset_meta == {}
    with pytest.raises(UserError, match='no test_dataloader'):
        build_test_pipeline(cfg)


def test_weights_device_and_what_is_wrong_with_a_config(repo, tmp_path):
    cfg = recipe(repo, SEGMENTOR, tmp_path)
    first = build_model(cfg)
    path = saved(first, tmp_path / 'weights.pth')
    second = build_model(cfg, path)
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
    assert {p.device.type for p in build_model(cfg, device='meta').parameters()} == {'meta'}

    content = torch.load(path)
    left = content['state_dict'].pop('decode_head.conv_seg.bias')
    torch.save(content, path)
    with pytest.raises(UserError, match='another model than the config'):
        build_model(cfg, path)
    lacking = build_model(cfg, path, allow_partial=True)
    load_weights(lacking, dict(state_dict={'decode_head.conv_seg.bias': left}), path, 'partial')
    assert torch.equal(lacking.backbone.norm3.weight, first.backbone.norm3.weight)

    cfg.model.backbone.arh = cfg.model.backbone.arch
    with pytest.raises(UserError, match=r'model\.backbone\.arh.*did you mean arch'):
        build_model(cfg)
    cfg.pop('model')
    with pytest.raises(UserError, match='has no model'):
        build_model(cfg)


# Parts of the model that build and load networks of their own.
NETWORKS_IN_MODELS = ('ensemble.py', 'bag_of_tricks_distillation.py')


def test_nothing_else_builds_a_config_s_model(repo):
    """A second builder would have to know where the data preprocessor stands, too."""
    found = []
    for path in (repo / 'mmvisx').rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            call = ast.unparse(node) if isinstance(node, ast.Call) else ''
            loads = re.match(r'load_weights\(|(\w+\.)?(init_detector|init_model|get_model)\(', call)
            builds = re.match(r'\w+\.build\((\w+\.)*model(_config\(\w+\))?[,)]', call)
            if loads or builds:
                found.append(path.relative_to(repo / 'mmvisx'))
    elsewhere = {
        str(path)
        for path in found
        if path.parts[0] not in ('engine', 'utils') and path.name not in NETWORKS_IN_MODELS
    }
    assert found.count(Path('apis/build.py')) == 2
    assert elsewhere == {'apis/build.py'}
