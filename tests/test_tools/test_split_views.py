"""tools/model_converters/split_views.py: each view is a classifier that all tools take."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mmvisx.apis.build import build_model
from mmvisx.apis.export.co_training import split_views
from mmvisx.apis.export.onnx_classifier import ClassScores, build_exported
from mmvisx.apis.inference import ClassificationInferencer
from mmvisx.apis.run import build_runner, prepare_config
from mmvisx.utils import UserError
from mmvisx.utils.checkpoint import read_checkpoint
from tests.contract.trainings import training
from tests.helpers.loggers import forget_loggers

CONFIGS = Path(__file__).parents[2] / 'configs' / 'co_training'


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Config and checkpoint of two co-trained views of different size, and their accuracies."""
    work = tmp_path_factory.mktemp('work')
    cfg = training('co-trained', tmp_path_factory.mktemp('data'))
    cfg.model.data_preprocessor = dict(mean=[120.0] * 3, std=[50.0] * 3, to_rgb=True)
    cfg.model.views[1].backbone.base_channels = 6
    cfg.model.views[1].head.in_channels = 24
    cfg.test_evaluator = dict(type='mmvisx.ViewAccuracy')
    cfg.work_dir, cfg.experiment_name = str(work), 'split_views'
    cfg.dump(work / 'views.py')
    forget_loggers()
    runner = build_runner(cfg)
    runner.train()
    return work / 'views.py', work / 'epoch_2.pth', runner.test()


@pytest.fixture(scope='module')
def views(tool, trained, tmp_path_factory):
    """The folder with both views."""
    out = tmp_path_factory.mktemp('out') / 'views'
    tool('tools/model_converters/split_views.py', *trained[:2], '--out', out)
    assert sorted(path.name for path in out.iterdir()) == [
        'view_0.pth', 'view_0.py', 'view_1.pth', 'view_1.py',
    ]  # fmt: skip
    return out


def test_logits_are_the_views(trained, views):
    whole = build_model(*map(str, trained[:2]))
    images = [torch.randint(0, 256, (3, 16, 16), dtype=torch.uint8) for _ in range(4)]
    prepared = whole.data_preprocessor(dict(inputs=images))['inputs']
    outputs = []
    for index, view in enumerate(whole.views):
        plain = build_model(str(views / f'view_{index}.py'), views / f'view_{index}.pth')
        assert type(plain).__name__ == 'ImageClassifier'
        assert plain.dataset_meta['classes'] == whole.dataset_meta['classes']
        inputs = plain.data_preprocessor(dict(inputs=images))['inputs']
        assert torch.equal(inputs, prepared)
        outputs.append(plain(inputs, mode='tensor'))
        assert torch.equal(outputs[-1], view(prepared, mode='tensor'))
    assert not torch.allclose(*outputs)


def test_meta_is_kept_but_for_the_config(trained, views):
    before = read_checkpoint(trained[1])['meta']
    after = read_checkpoint(views / 'view_1.pth')['meta']
    assert 'CoTrainingClassifier' in before['cfg']
    assert 'CoTrainingClassifier' not in after['cfg']
    assert 'ImageClassifier' in after['cfg']
    assert after['epoch'] == before['epoch'] == 2


def accuracy(tool, folder, *arguments):
    out = folder / 'found.json'
    tool('tools/test.py', *arguments, '--work-dir', folder, '--out', out)
    return json.loads(out.read_text())['accuracy/top1']


def test_accuracy_is_that_of_the_view_and_of_the_ensemble(tool, trained, views, tmp_path):
    wanted = trained[2]
    for index in range(2):
        found = accuracy(tool, tmp_path, views / f'view_{index}.py', views / f'view_{index}.pth')
        assert found == pytest.approx(wanted[f'views/{index}'])
    members = [views / 'view_0.pth', f'{views}/view_1.py:{views}/view_1.pth']
    found = accuracy(tool, tmp_path, views / 'view_0.py', *members)
    assert found == pytest.approx(wanted['views/ensemble'])


def test_inferencer_and_export_take_a_view(trained, views):
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    whole = build_model(*map(str, trained[:2]))
    tensor = torch.from_numpy(image).permute(2, 0, 1)
    inputs = whole.data_preprocessor(dict(inputs=[tensor]))['inputs']
    for index, view in enumerate(whole.views):
        logits = view(inputs, mode='tensor')
        paths = str(views / f'view_{index}.py'), str(views / f'view_{index}.pth')
        found = ClassificationInferencer(*paths)(image)['predictions'][0]
        best, labels = logits.softmax(dim=1)[0].sort(descending=True)
        assert found['labels'] == labels.tolist()
        assert found['scores'] == pytest.approx(best.tolist())
        exported = build_exported(prepare_config(paths[0]), paths[1])
        assert isinstance(exported, ClassScores)
        assert torch.equal(exported(inputs)[0], logits)


@pytest.mark.slow
def test_file_of_onnx_gives_the_views_logits(tool, trained, views, tmp_path):
    pytest.importorskip('onnxscript', reason="no onnxscript: pip install -e '.[deploy]'")
    runtime = pytest.importorskip(
        'onnxruntime', reason="no onnxruntime: pip install -e '.[deploy]'"
    )
    out = tmp_path / 'view.onnx'
    tool(
        'tools/deployment/export_onnx.py', views / 'view_1.py', views / 'view_1.pth', '--out', out,
        '--shape', 32, 32,
    )  # fmt: skip
    images = torch.randn(1, 3, 32, 32)
    session = runtime.InferenceSession(str(out), providers=['CPUExecutionProvider'])
    (found,) = session.run(['logits'], {'images': images.numpy()})
    view = build_model(*map(str, trained[:2])).views[1]
    np.testing.assert_allclose(found, view(images, mode='tensor').detach(), rtol=1e-4, atol=1e-5)


def test_one_view_only(trained, tmp_path):
    cfg = prepare_config(trained[0])
    (path,) = split_views(cfg, trained[1], tmp_path, [1])
    assert path == tmp_path / 'view_1.pth'
    assert not (tmp_path / 'view_0.pth').exists()


def test_mistakes_are_named(trained, views, tmp_path):
    cfg = prepare_config(trained[0])
    with pytest.raises(UserError, match='there is no view 2: the model has 2, counted from 0'):
        split_views(cfg, trained[1], tmp_path / 'new', [0, 2])
    assert not (tmp_path / 'new').exists()
    plain = prepare_config(views / 'view_0.py')
    with pytest.raises(UserError, match=r"model\.type='ImageClassifier', which has no views that"):
        split_views(plain, views / 'view_0.pth', tmp_path)
    segmentor = prepare_config(CONFIGS / 'two_views_nano_shapes.py')
    with pytest.raises(UserError, match=r"CoTrainingSegmentor', .*mmvisx test says.*'views\.0\.'"):
        split_views(segmentor, trained[1], tmp_path)
    with pytest.raises(UserError, match='is of another model than the config'):
        split_views(cfg, views / 'view_0.pth', tmp_path)
