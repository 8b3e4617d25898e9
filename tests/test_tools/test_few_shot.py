"""Command lines of few-shot recognition, and tools/test.py on a taught checkpoint."""

import json

import numpy as np
import pytest
import torch

from mmvisx.analysis import FewShotTasks
from mmvisx.apis.few_shot_bank import build_bank
from mmvisx.apis.few_shot_teach import TeachableClassifier
from mmvisx.utils import UserError
from mmvisx.utils.predictions import read_predictions
from tests.helpers.few_shot import (
    bank_of,
    classifier_config,
    random_predictor,
    write_checkpoint,
    write_classes,
)


@pytest.fixture(scope='module')
def phi():
    return random_predictor()


def test_episodes(tool, tmp_path, phi, capsys):
    bank = bank_of(tmp_path / 'bank', classes=5, spread=0.6)
    state = {f'predictor.{k}': v for k, v in phi.state_dict().items()}
    torch.save(dict(state_dict=state), tmp_path / 'phi.pth')
    arguments = ['--few', bank.folder, '--ways', '3', '--shots', '1', '2', '--tasks', '10']
    tool(
        'tools/few_shot/episodes.py', *arguments, '--predictor', f'mine={tmp_path / "phi.pth"}',
        '--out', tmp_path / 'results.json',
    )  # fmt: skip
    results = json.loads((tmp_path / 'results.json').read_text())
    assert results == FewShotTasks(3, (1, 2), 10).measure(bank, dict(mine=phi))
    printed = capsys.readouterr().out
    assert '3-way 2-shot (%)' in printed
    assert f'{results[-1]["accuracy"]:.2f} ± {results[-1]["interval"]:.2f}' in printed
    with pytest.raises(UserError, match=r'--predictor phi\.pth is not of the form'):
        tool('tools/few_shot/episodes.py', *arguments, '--predictor', 'phi.pth')


@pytest.fixture
def taught(tmp_path):
    """A config, and a classifier of ant, bee and cat that was taught 'elk' and then 'dog'."""
    write_classes(tmp_path / 'images')
    cfg = classifier_config(tmp_path / 'images')
    cfg.custom_hooks = [dict(type='mmvisx.ClassCountHook')]
    write_checkpoint(cfg, tmp_path / 'weights.pth')
    build_bank(cfg, tmp_path / 'weights.pth', tmp_path / 'bank', dtype='float32')
    cfg.pop('train_dataloader')  # without a schedule there must be none
    # Labels as the taught classifier has them: folders would follow the alphabet.
    cfg.test_dataloader.dataset.ann_file = str(tmp_path / 'list.txt')
    cfg.dump(tmp_path / 'config.py')
    write_classes(tmp_path / 'images', ('dog', 'elk'), each=3, seed=7)
    model = TeachableClassifier(
        cfg, tmp_path / 'weights.pth', tmp_path / 'bank', show_progress=False, device='cpu'
    )
    for name in ('elk', 'dog'):
        model.add_photos(name, [tmp_path / 'images' / name / f'{i}.png' for i in range(2)])
    model.save(tmp_path / 'taught.pth')
    files = sorted((tmp_path / 'images').rglob('*.png'))
    lines = [
        f'{p.relative_to(tmp_path / "images")} {model.classes.index(p.parent.name)}' for p in files
    ]
    (tmp_path / 'list.txt').write_text('\n'.join(lines) + '\n')
    return model, tmp_path


def test_a_taught_checkpoint_is_evaluated(tool, taught):
    model, folder = taught

    def evaluate(names, out):
        (folder / 'names.txt').write_text('\n'.join(names) + '\n')
        tool(
            'tools/test.py', folder / 'config.py', folder / 'taught.pth', '--classes',
            folder / 'names.txt', '--work-dir', folder / 'work', '--out', folder / out,
        )  # fmt: skip

    evaluate(model.classes, 'predictions.npz')
    predictions = read_predictions(folder / 'predictions.npz')
    assert len(predictions) == 12 + 6
    images = sorted((folder / 'images').rglob('*.png'))
    expected = model([str(path) for path in images], top_k=1)['predictions']
    right = 0
    by_path = {p['img_path']: p for p in predictions}
    for path, answer in zip(images, expected, strict=True):
        found = by_path[str(path)]
        assert int(np.argmax(found['pred_score'])) == answer['labels'][0]
        assert model.classes[int(found['gt_label'][0])] == path.parent.name
        right += answer['label_names'][0] == path.parent.name
    evaluate(model.classes, 'metrics.json')
    metrics = json.loads((folder / 'metrics.json').read_text())
    assert metrics['accuracy/top1'] == pytest.approx(100 * right / 18)
    with pytest.raises(UserError, match=r'elk, dog, stand behind.* has dog, elk'):
        evaluate(('ant', 'bee', 'cat', 'dog', 'elk'), 'metrics.json')


def test_what_a_new_user_types(tool, taught, capsys):
    """demo/teach_demo.py with a config, then with the checkpoint that it wrote alone."""
    _, folder = taught
    images = folder / 'images'
    (images / 'dog/broken.png').write_bytes(b'no image')

    def teach(*words):
        code = tool('demo/teach_demo.py', *words, '--device', 'cpu')
        return code, capsys.readouterr()

    code, shown = teach(
        folder / 'config.py', folder / 'weights.pth', '--bank', folder / 'bank',
        '--add', 'dog', images / 'dog/0.png', images / 'dog/1.png',
        '--save', folder / 'new.pth', '--predict', images / 'dog',
    )  # fmt: skip
    assert 'dog: 2 photographs; 4 classes now' in shown.out
    assert f'{images / "dog/0.png"}: dog (' in shown.out
    assert 'broken.png' in shown.err
    assert code == 1
    (images / 'dog/broken.png').unlink()
    code, shown = teach(
        folder / 'new.pth', '--add', 'elk', images / 'elk', '--predict', images / 'bee'
    )
    assert not code
    assert 'elk: 3 photographs; 5 classes now' in shown.out
    with pytest.raises(UserError, match=r'config\.py is a config: give the checkpoint'):
        teach(folder / 'config.py', '--predict', images / 'bee')
    with pytest.raises(UserError, match=r'was not taught yet.* --out FOLDER'):
        teach(folder / 'config.py', folder / 'weights.pth', '--add', 'dog', images / 'dog')
    with pytest.raises(UserError, match='holds no config'):
        teach(folder / 'weights.pth', '--add', 'dog', images / 'dog')
    with pytest.raises(UserError, match='nothing to do'):
        teach(folder / 'new.pth')
    assert {path.name for path in folder.glob('*.pth')} == {'weights.pth', 'taught.pth', 'new.pth'}
