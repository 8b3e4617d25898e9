"""tools/deployment/export_onnx.py on classifiers, plain and taught."""

import json

import cv2
import numpy as np
import pytest
import torch

from mmvisx.apis.export import onnx, onnx_classifier
from mmvisx.apis.few_shot_bank import build_bank
from mmvisx.apis.few_shot_teach import TeachableClassifier
from mmvisx.utils import UserError
from tests.helpers.few_shot import classifier_config, write_checkpoint, write_classes

pytest.importorskip('onnx', reason="no onnx: pip install -e '.[deploy]'")
pytest.importorskip('onnxscript', reason="no onnxscript: pip install -e '.[deploy]'")
onnxruntime = pytest.importorskip(
    'onnxruntime', reason="no onnxruntime: pip install -e '.[deploy]'"
)


@pytest.fixture(scope='module')
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp('plain')
    write_classes(folder / 'images')
    cfg = classifier_config(folder / 'images')
    cfg.data_preprocessor.to_rgb = True
    cfg.test_dataloader.dataset.pipeline.insert(1, dict(type='CenterCrop', crop_size=32))
    write_checkpoint(cfg, folder / 'weights.pth')
    cfg.dump(folder / 'config.py')
    return cfg, folder


@pytest.fixture(scope='module')
def taught(plain):
    cfg, folder = plain
    build_bank(cfg, folder / 'weights.pth', folder / 'bank', dtype='float32')
    write_classes(folder / 'new', ('dog', 'elk'), each=3, seed=7)
    model = TeachableClassifier(
        cfg, folder / 'weights.pth', folder / 'bank', show_progress=False, device='cpu'
    )
    for name, count in (('dog', 3), ('elk', 1)):
        model.add_photos(name, [folder / 'new' / name / f'{i}.png' for i in range(count)])
    model.head.offset.fill_(0.1)
    model.head.threshold.fill_(0.25)
    model.save(folder / 'taught.pth')
    return model


def run(path, image):
    """Run a file as a program without this package would: by its metadata."""
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    meta = {k: json.loads(v) for k, v in session.get_modelmeta().custom_metadata_map.items()}
    pixels = cv2.imread(str(image)).astype(np.float32)
    if meta['bgr_to_rgb']:
        pixels = pixels[..., ::-1]
    pixels = (pixels - np.array(meta['mean'], np.float32)) / np.array(meta['std'], np.float32)
    names = [output.name for output in session.get_outputs()]
    found = session.run(None, {'images': pixels.transpose(2, 0, 1)[None]})
    return dict(zip(names, found, strict=True)), meta


def export(tool, folder, checkpoint, *options):
    out = folder / f'{checkpoint}.onnx'
    tool(
        'tools/deployment/export_onnx.py', folder / 'config.py', folder / f'{checkpoint}.pth',
        '--out', out, *options,
    )  # fmt: skip
    return out


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def test_a_plain_classifier(tool, plain, capsys):
    cfg, folder = plain
    image = folder / 'images/bee/0.png'
    out = export(tool, folder, 'weights', '--verify', image)
    assert 'images (1, 3, 32, 32) -> logits' in capsys.readouterr().out
    found, meta = run(out, image)
    assert meta['classes'] == ['ant', 'bee', 'cat']
    model = onnx_classifier.build_exported(cfg, folder / 'weights.pth')
    inputs = onnx_classifier.read_prepared(model, cfg, image, (32, 32))
    with torch.no_grad():
        expected = model.classifier.head(model.classifier.extract_feat(inputs))
    np.testing.assert_allclose(found['logits'], expected.numpy(), rtol=1e-4, atol=1e-4)
    with torch.no_grad():
        model.classifier.head.fc.bias += 1
    assert onnx.compare(out, model, inputs)['logits'] > 1e-3


def test_a_taught_classifier(tool, taught, plain):
    _, folder = plain
    image = folder / 'new/elk/2.png'
    found, meta = run(export(tool, folder, 'taught', '--verify', image), image)
    assert meta['classes'] == ['ant', 'bee', 'cat', 'dog', 'elk']
    assert meta['threshold'] == 0.25
    answer = taught(str(image), top_k=5)['predictions'][0]
    scores = softmax(found['logits'][0])
    np.testing.assert_allclose(scores[answer['labels']], answer['scores'], atol=1e-4)
    assert answer['known'] == (found['certainty'][0] >= meta['threshold'])
    activation = taught.activations([image])[0]
    assert found['certainty'][0] == pytest.approx(
        found['logits'].max() / activation.norm().item(), rel=1e-3
    )


def test_another_size(tool, plain):
    _, folder = plain
    with pytest.raises(UserError, match='32 x 32 pixels; give these'):
        export(tool, folder, 'weights', '--shape', '64', '--verify', folder / 'images/ant/0.png')
