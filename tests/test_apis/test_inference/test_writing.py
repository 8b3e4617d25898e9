"""What the inferencers of all tasks write, and demo/image_demo.py."""

import json
import sys

import cv2
import numpy as np
import pytest

from mmvisx.apis.inference import ImageInferencer
from mmvisx.cli.demo.image_demo import main
from mmvisx.utils import UserError
from tests.helpers.inferencers import CLASSES, names, pictures, results_of, write_images


def test_names_of_what_is_written(task, inferencer, tmp_path):
    folders = [write_images(tmp_path / name, ['a.png', 'b.png']) for name in ('x', 'y', 'z')]
    inferencer(folders, batch_size=4, out_dir=tmp_path / 'out')
    # Those of the second and third folder do not replace the first's.
    stems = ('a', 'a_2', 'a_3', 'b', 'b_2', 'b_3')
    pictures_, predictions = results_of(task, *stems)
    if task == 'segmentor':  # with the ending, since there is another image of that name
        pictures_ = predictions = [f'{stem}.png.png' for stem in stems]
    assert names(tmp_path / 'out' / 'vis') == sorted(pictures_)
    assert names(tmp_path / 'out' / 'preds') == sorted(predictions)


def test_names_of_arrays(task, inferencer, tmp_path):
    inferencer((image for image in pictures(2)), out_dir=tmp_path)
    ending = '.jpg' if task == 'detector' else ''
    pictures_, predictions = results_of(task, '00000000', '00000001', ending=ending)
    assert (names(tmp_path / 'vis'), names(tmp_path / 'preds')) == (pictures_, predictions)


def test_the_pictures_written_are_those_returned(task, inferencer, tmp_path):
    folder = write_images(tmp_path / 'photos', ['a.png', 'b.png'])
    drawn = inferencer(folder, return_vis=True, out_dir=tmp_path)['visualization']
    for name, picture in zip(results_of(task, 'a', 'b')[0], drawn, strict=True):
        np.testing.assert_array_equal(cv2.imread(str(tmp_path / 'vis' / name))[..., ::-1], picture)


def test_images_are_not_replaced_by_results(task, inferencer, tmp_path):
    folder = write_images(tmp_path / 'photos', ['a.png', 'b.png'])
    before = {path: path.read_bytes() for path in folder.iterdir()}
    inferencer(folder, out_dir=folder)  # the results go into folders inside
    assert all(path.read_bytes() == content for path, content in before.items())
    assert names(folder) == ['a.png', 'b.png', 'preds', 'vis']
    for inside in ('vis', 'preds'):
        own = write_images(tmp_path / 'again' / inside, ['a.png', 'c.png'])
        before = {path: path.read_bytes() for path in own.iterdir()}
        for inputs in (own, (path for path in before)):
            with pytest.raises(UserError, match='lies where the results are written'):
                inferencer(inputs, out_dir=tmp_path / 'again')
            assert all(path.read_bytes() == content for path, content in before.items())


def test_what_is_written_stays_when_interrupted(task, inferencer, tmp_path):
    folder = write_images(tmp_path / 'photos', [f'{name}.png' for name in 'abcde'])

    def paths():
        for name in 'abcd':
            yield folder / f'{name}.png'
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        inferencer(paths(), batch_size=2, out_dir=tmp_path)
    pictures_, predictions = results_of(task, *'abcd')
    assert (names(tmp_path / 'vis'), names(tmp_path / 'preds')) == (pictures_, predictions)


def run_demo(monkeypatch, *arguments):
    monkeypatch.setattr(sys, 'argv', ['image_demo.py', *map(str, arguments)])
    return main()


def test_image_demo_takes_any_task(task, files, broken, tmp_path, monkeypatch, capsys):
    out = tmp_path / 'out'
    options = ('--out-dir', out, '--device', 'cpu', '--batch-size', 2, '--score-thr', 0)
    assert run_demo(monkeypatch, broken, *files, *options) == 1
    printed = capsys.readouterr()
    assert '3 images' in printed.out
    assert '2 images unreadable' in printed.out
    assert 'b.png' in printed.err
    assert 'd.png' in printed.err
    pictures_, predictions = results_of(task, 'a', 'c', 'e')
    assert (names(out / 'vis'), names(out / 'preds')) == (pictures_, predictions)
    if task != 'segmentor':
        content = json.loads((out / 'preds' / 'a.png.json').read_text())
        assert set(content['label_names']) <= set(CLASSES[task])
    else:
        assert cv2.imread(str(out / 'preds' / 'a.png'), cv2.IMREAD_UNCHANGED).shape == (48, 64)


def test_image_demo_s_interruption(files, tmp_path, monkeypatch, capsys):
    folder = write_images(tmp_path / 'photos', ['a.png', 'b.png', 'c.png'])
    read, calls = ImageInferencer._predict, []

    def interrupted(self, batch, skip):
        calls.append(batch)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return read(self, batch, skip)

    monkeypatch.setattr(ImageInferencer, '_predict', interrupted)
    options = ('--out-dir', tmp_path, '--device', 'cpu')
    assert run_demo(monkeypatch, folder, *files, *options) == 130
    printed = capsys.readouterr()
    assert '2 images' in printed.out
    assert 'interrupted' in printed.err
    assert len(names(tmp_path / 'preds')) == 2
