"""The Python API and demo/image_demo.py on the tiny detector."""

import importlib.util
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from pycocotools import mask as mask_utils

from mmvisx.apis import Inferencer
from mmvisx.utils import UserError
from mmvisx.utils.config import apply_options, load_config


@pytest.fixture(scope='module')
def config(tiny_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny detector, which keeps every detection."""
    cfg = load_config(tiny_config)
    apply_options(cfg, {'model.test_cfg.rcnn.score_thr': 0.0})
    path = tmp_path_factory.mktemp('config') / 'tiny.py'
    cfg.dump(path)
    return path


@pytest.fixture(scope='module')
def checkpoint(config: Path) -> Path:
    """Random weights, with the class names and the config as MMEngine keeps them."""
    init_default_scope('mmdet')
    torch.manual_seed(0)
    cfg = Config.fromfile(config)
    model = MODELS.build(cfg.model)
    path = config.with_name('weights.pth')
    content = {
        'state_dict': model.state_dict(),
        'meta': {'dataset_meta': {'classes': ('box', 'disc')}, 'cfg': cfg.pretty_text},
    }
    torch.save(content, path)
    return path


@pytest.fixture(scope='module')
def inferencer(config, checkpoint):
    return Inferencer(config, checkpoint, 'cpu', show_progress=False)


@pytest.fixture
def photos(tiny_coco, tmp_path):
    """Three images and a text file; the first image is cut off."""
    folder = tmp_path / 'photos'
    folder.mkdir()
    picture = cv2.imread(str(tiny_coco / 'images' / '1.png'))
    for name in ('a.jpg', 'b.jpg', 'c.png'):
        cv2.imwrite(str(folder / name), picture)
    (folder / 'a.jpg').write_bytes((folder / 'a.jpg').read_bytes()[:400])
    (folder / 'notes.txt').write_text('not an image')
    return folder


def test_prediction_of_a_path(inferencer, photos):
    (prediction,) = inferencer(photos / 'c.png')['predictions']
    count = len(prediction['scores'])
    assert count > 0
    assert (prediction['width'], prediction['height']) == (64, 48)
    assert prediction['img_path'] == str(photos / 'c.png')
    assert np.shape(prediction['bboxes']) == (count, 4)
    assert set(prediction['label_names']) <= {'box', 'disc'}
    assert mask_utils.decode(prediction['masks'][0]).shape == (48, 64)


def test_path_array_and_list_agree(inferencer, photos):
    image = cv2.imread(str(photos / 'c.png'))
    (single,) = inferencer(str(photos / 'c.png'))['predictions']
    both = inferencer([photos / 'c.png', image], batch_size=2)['predictions']
    assert [p['img_path'] for p in both] == [str(photos / 'c.png'), None]
    for prediction in both:
        assert prediction['bboxes'] == pytest.approx(np.array(single['bboxes']), abs=1e-3)


def test_pictures_keep_the_colours(inferencer, photos):
    image = cv2.imread(str(photos / 'c.png'))
    results = inferencer([photos / 'c.png', image], return_vis=True, pred_score_thr=1.0)
    for drawn in results['visualization']:
        assert np.array_equal(drawn, image[..., ::-1])


def test_drawing_changes_the_picture(inferencer, photos):
    image = cv2.imread(str(photos / 'c.png'))
    (drawn,) = inferencer(image, return_vis=True, pred_score_thr=0.0)['visualization']
    assert not np.array_equal(drawn, image[..., ::-1])


def test_written_files(inferencer, photos, tmp_path):
    inferencer([photos / 'b.jpg', photos / 'c.png'], out_dir=tmp_path / 'out')
    assert sorted(p.name for p in (tmp_path / 'out' / 'vis').iterdir()) == ['b.jpg', 'c.png']
    content = json.loads((tmp_path / 'out' / 'preds' / 'c.png.json').read_text())
    assert content['img_path'] == str(photos / 'c.png')


def test_a_picture_of_a_file_that_holds_no_colours_is_a_png(inferencer, photos, tmp_path):
    grey = cv2.imread(str(photos / 'c.png'), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(photos / 'd.pgm'), grey)
    inferencer(photos / 'd.pgm', out_dir=tmp_path, pred_score_thr=1.0)
    drawn = cv2.imread(str(tmp_path / 'vis' / 'd.pgm.png'))
    assert np.array_equal(drawn, np.stack([grey] * 3, axis=2))
    assert (tmp_path / 'preds' / 'd.pgm.json').is_file()


def test_an_unreadable_image_is_an_error_or_is_counted(inferencer, photos):
    with pytest.raises(UserError, match=r'a\.jpg'):
        inferencer(photos)
    results = inferencer(photos, skip_unreadable=True)
    assert [Path(p['img_path']).name for p in results['predictions']] == ['b.jpg', 'c.png']
    assert [Path(path).name for path, _ in inferencer.failed] == ['a.jpg']


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda folder: folder / 'd.png', r'd\.png: no such image or folder.*c\.png'),
        (lambda folder: folder / 'notes.txt', r'notes\.txt'),
        (lambda folder: folder.parent, 'holds no image'),
        (lambda folder: np.zeros((8, 8), np.uint8), r'shape \(8, 8\)'),
        (lambda folder: np.zeros((8, 8, 3)), 'float64'),
        (lambda folder: [3], 'is a int'),
    ],
)
def test_bad_input(inferencer, photos, make, message):
    with pytest.raises(UserError, match=message):
        inferencer(make(photos))


def test_config_out_of_the_checkpoint(checkpoint, photos):
    inferencer = Inferencer(weights=checkpoint, device='cpu', show_progress=False)
    assert len(inferencer(photos / 'c.png')['predictions']) == 1


def test_checkpoint_of_another_architecture(tiny_config, checkpoint):
    cfg = load_config(tiny_config)
    cfg.model.roi_head.bbox_head.num_classes = 7
    with pytest.raises(UserError, match=r'weights\.pth is of another model'):
        Inferencer(cfg, checkpoint, 'cpu')


def test_without_weights(config):
    for arguments in ((), (config,)):
        with pytest.raises(UserError, match=r'weights=None would leave the model .* random'):
            Inferencer(*arguments)


@pytest.mark.parametrize(
    'wrong', [dict(batch_size=0), dict(pred_score_thr=2), dict(pred_score_thr=-0.1)]
)
def test_numbers_out_of_range(inferencer, photos, wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(UserError, match=f'{name}={value} should be'):
        inferencer(photos / 'c.png', **wrong)


def test_model_file_missing(checkpoint):
    with pytest.raises(UserError, match=r'no_such\.py does not exist'):
        Inferencer('no_such.py', checkpoint)


def demo(repo, *arguments):
    spec = importlib.util.spec_from_file_location('image_demo', repo / 'demo' / 'image_demo.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    before = sys.argv
    sys.argv = ['image_demo.py', *map(str, arguments)]
    try:
        return module.main()
    finally:
        sys.argv = before


def test_demo_counts_what_it_could_not_read(repo, config, checkpoint, photos, tmp_path, capfd):
    out = tmp_path / 'out'
    arguments = (config, checkpoint, '--out-dir', out, '--device', 'cpu')
    assert demo(repo, photos, *arguments) == 1
    printed = capfd.readouterr()
    assert '2 images' in printed.out
    assert '1 images unreadable' in printed.out
    assert 'a.jpg' in printed.err
    assert sorted(p.name for p in (out / 'preds').iterdir()) == ['b.jpg.json', 'c.png.json']
    assert demo(repo, photos / 'b.jpg', *arguments) == 0


def test_demo_threshold(repo, config, checkpoint, photos):
    with pytest.raises(UserError, match='--score-thr 3'):
        demo(repo, photos, config, checkpoint, '--score-thr', 3)


@pytest.mark.realdata
def test_real_photographs(inferencer, realdata, tmp_path):
    folder = realdata / 'coco128' / 'train2017'
    images = sorted(folder.glob('*.jpg'))[:2]
    results = inferencer(images, out_dir=tmp_path)
    assert len(results['predictions']) == 2
    for path in images:
        drawn = cv2.imread(str(tmp_path / 'vis' / path.name))
        assert drawn.shape == cv2.imread(str(path)).shape


def test_fused_layers_change_nothing(inferencer, config, checkpoint, photos):
    plain = Inferencer(config, checkpoint, 'cpu', show_progress=False, fuse=False)
    a, _ = (i(photos / 'c.png')['predictions'][0] for i in (plain, inferencer))
    norms = [
        sum(isinstance(m, torch.nn.BatchNorm2d) for m in i.model.modules())
        for i in (plain, inferencer)
    ]
    assert norms[0] > norms[1] == 0
    (b,) = inferencer(photos / 'c.png')['predictions']
    assert len(a['scores']) > 0
    assert a['labels'] == b['labels']
    np.testing.assert_allclose(a['scores'], b['scores'], atol=1e-5)
    np.testing.assert_allclose(a['bboxes'], b['bboxes'], atol=1e-3)
