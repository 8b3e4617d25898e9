"""What the inferencers of all tasks have in common, on a small model of each."""

import gc
import json
import weakref

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmvisx.apis import Inferencer, SegmentationInferencer, inferencer_for
from mmvisx.apis.inference import ImageInferencer
from mmvisx.registry import INFERENCERS
from mmvisx.utils import UserError
from tests.helpers.first_input import first_input
from tests.helpers.inferencers import (
    CLASSES,
    MEAN,
    STD,
    config_of,
    pictures,
    write_images,
    write_model,
)

KINDS = dict(
    detector='Inferencer', segmentor='SegmentationInferencer', classifier='ClassificationInferencer'
)


def same(first, second):
    """Whether two predictions are equal up to rounding, paths aside."""
    assert first.keys() == second.keys()
    for key in first.keys() - {'img_path'}:
        if key == 'labels' and isinstance(first[key], dict):
            for name, labels in first[key].items():
                np.testing.assert_array_equal(labels, second[key][name])
        elif key in ('scores', 'bboxes'):
            np.testing.assert_allclose(first[key], second[key], atol=1e-4, rtol=1e-4)
        else:
            assert first[key] == second[key], key
    return True


def test_the_task_s_inferencer_is_found_by_the_config(task, files, inferencer):
    assert type(inferencer) is INFERENCERS.get(f'mmvisx.{KINDS[task]}')
    assert isinstance(inferencer, ImageInferencer)
    again = inferencer_for(Config.fromfile(files[0]), str(files[1]), 'cpu', show_progress=False)
    assert type(again) is type(inferencer)
    assert inferencer.model.dataset_meta['classes'] == CLASSES[task]


def test_batches_keep_order_and_results_of_images_of_any_size(inferencer):
    # Sizes that repeat, and that change within a batch.
    images = pictures(7, sizes=((48, 64), (48, 64), (80, 56)))
    one = inferencer(images)['predictions']
    three = inferencer(images, batch_size=3)['predictions']
    assert len(one) == len(three) == 7
    assert all(same(a, b) for a, b in zip(one, three, strict=True))
    apart = [json.dumps(p, default=np.ndarray.tolist) for p in one]
    assert len(set(apart)) == 7  # so that another order would show


def test_a_batch_is_one_forward_pass(inferencer, monkeypatch):
    step, sizes = inferencer.model.test_step, []

    def watched(data):
        sizes.append(len(data['inputs']))
        return step(data)

    monkeypatch.setattr(inferencer.model, 'test_step', watched)
    inferencer(pictures(7), batch_size=3)
    assert sizes == [3, 3, 1]


def test_paths_folders_arrays_lists_and_generators_agree(inferencer, tmp_path):
    folder = write_images(tmp_path / 'photos', ['a.png', 'b.png', 'c.png'])
    (folder / 'inside').mkdir()
    write_images(folder / 'inside', ['d.png'])
    paths = [folder / name for name in ('a.png', 'b.png', 'c.png')]
    images = [cv2.imread(str(path)) for path in paths]
    first = inferencer(folder)
    assert [p['img_path'] for p in first['predictions']] == [str(path) for path in paths]
    assert first['visualization'] == []
    for inputs in (paths, images, iter(paths), (image for image in images), [folder]):
        again = inferencer(inputs, batch_size=2)['predictions']
        assert all(same(a, b) for a, b in zip(first['predictions'], again, strict=True))
    (single,) = inferencer(images[1])['predictions']
    assert same(first['predictions'][1], single)
    assert single['img_path'] is None


def test_a_generator_is_asked_for_a_batch_at_a_time(inferencer):
    refs, most = [], []

    def alive():
        return sum(ref() is not None for ref in refs)

    def frames():
        for image in pictures(12):
            frame = image.copy()
            refs.append(weakref.ref(frame))
            most.append(alive())
            yield frame
            del frame

    results = inferencer.stream(frames(), batch_size=3, return_vis=True)
    assert refs == []
    next(results)
    assert len(refs) == 3
    done = 1 + sum(1 for _ in results)
    gc.collect()
    assert (done, len(refs), alive()) == (12, 12, 0)
    assert max(most) <= 3 + 1  # the batch, and the last one's, which is held until the next is read


@pytest.mark.parametrize('mode', ['grey', 'alpha', 'palette', '16 bit', 'turned'])
def test_files_of_any_kind_are_read_as_colours(inferencer, mode, tmp_path):
    path, (image,) = tmp_path / 'image.png', pictures(1)
    grey = image[..., 0]
    if mode == 'grey':
        Image.fromarray(grey).save(path)
        expected = np.stack([grey] * 3, axis=2)
    elif mode == 'alpha':
        Image.fromarray(np.dstack([image[..., ::-1], grey]), 'RGBA').save(path)
        expected = image
    elif mode == 'palette':
        index = (grey // 64).astype(np.uint8)
        colours = np.array([[9, 40, 90], [200, 10, 30], [0, 250, 5], [77, 88, 99]], np.uint8)
        indexed = Image.fromarray(index, 'P')
        indexed.putpalette(colours.ravel().tolist())
        indexed.save(path)
        expected = colours[index][..., ::-1]
    elif mode == '16 bit':
        cv2.imwrite(str(path), image.astype(np.uint16) * 256)
        expected = image
    else:
        path = tmp_path / 'image.jpg'
        exif = Image.Exif()
        exif[274] = 6  # to be turned clockwise by 90 degrees
        Image.fromarray(image[..., ::-1]).save(path, exif=exif, quality=95)
        flat = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        expected = np.rot90(flat, k=-1)
        assert expected.shape == (64, 48, 3)
    results = []
    for inputs in (path, np.ascontiguousarray(expected)):
        np.random.seed(0)  # mmdet's colours of masks jitter
        results.append(inferencer(inputs, return_vis=True))
    found, wanted = results
    assert same(found['predictions'][0], wanted['predictions'][0])
    np.testing.assert_array_equal(found['visualization'][0], wanted['visualization'][0])


def test_a_preprocessor_at_the_config_s_top_normalises(task, tmp_path):
    config, checkpoint = write_model(task, tmp_path, at_top=True)
    colour = (250, 10, 60)
    image = np.full((64, 64, 3), colour, np.uint8)
    with first_input() as seen:
        inferencer_for(config, checkpoint, 'cpu', show_progress=False)(image)
    by_hand = [(250 - 120) / 60, (10 - 110) / 50, (60 - 100) / 40]
    assert by_hand == [(c - m) / s for c, m, s in zip(colour, MEAN, STD, strict=True)]
    assert seen[0][0, :, 2, 2].tolist() == pytest.approx(by_hand, abs=1e-5)


def test_broken_files_are_named_and_do_not_end_the_run(inferencer, broken, tmp_path):
    with pytest.raises(UserError, match=r'b\.png') as error:
        inferencer(broken)
    assert '\n' not in str(error.value)
    found = inferencer(broken, batch_size=2, skip_unreadable=True)['predictions']
    assert [p['img_path'][-5:] for p in found] == ['a.png', 'c.png', 'e.png']
    assert [path for path, _ in inferencer.failed] == [str(broken / f'{x}.png') for x in 'bd']
    assert all(path in reason for path, reason in inferencer.failed)
    given = (broken / f'{name}.png' for name in 'abxc')
    found = inferencer(given, skip_unreadable=True)['predictions']
    assert [p['img_path'][-5:] for p in found] == ['a.png', 'c.png']
    assert [path[-5:] for path, _ in inferencer.failed] == ['b.png', 'x.png']


def test_an_image_that_the_network_fails_on_is_named(inferencer, monkeypatch):
    images, step = pictures(5), inferencer.model.test_step
    images[2][0, 0] = (1, 2, 3)

    def fail(data):
        if any(tuple(image[:, 0, 0].tolist()) == (1, 2, 3) for image in data['inputs']):
            raise RuntimeError('too small\nand more')
        return step(data)

    monkeypatch.setattr(inferencer.model, 'test_step', fail)
    message = 'input 2 cannot be predicted: RuntimeError: too small'
    with pytest.raises(UserError, match=f'^{message}$'):
        inferencer(images, batch_size=5)
    found = inferencer(images, batch_size=5, skip_unreadable=True)['predictions']
    assert inferencer.failed == [('input 2', message)]
    monkeypatch.undo()
    expected = inferencer(images[:2] + images[3:])['predictions']
    assert all(same(a, b) for a, b in zip(found, expected, strict=True))


def test_progress_is_shown_if_wanted(files, inferencer, capsys):
    inferencer(pictures(2))
    assert capsys.readouterr().out == ''
    inferencer_for(*files, 'cpu')(pictures(2))
    assert '2/2' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda folder: folder / 'empty', r'empty holds no image'),
        (lambda folder: folder / 'texts', r'texts holds no image'),
        (lambda folder: folder / 'fotos', r'fotos: no such image or folder \(did you mean photos'),
        (lambda folder: folder / 'texts' / 'notes.txt', r'notes\.txt cannot be decoded'),
        (lambda folder: [np.zeros((8, 8), np.uint8)], r'shape \(8, 8\)'),
        (lambda folder: iter([np.zeros((8, 8, 3))]), 'float64'),
        (lambda folder: 3, 'an input is a int'),
        (lambda folder: [None], 'an input is a NoneType'),
    ],
)
def test_bad_inputs_are_one_line(inferencer, make, message, tmp_path):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'photos').mkdir()
    (tmp_path / 'texts').mkdir()
    (tmp_path / 'texts' / 'notes.txt').write_text('no image')
    with pytest.raises(UserError, match=message) as error:
        inferencer(make(tmp_path))
    assert '\n' not in str(error.value)


def test_bad_options_are_one_line(task, inferencer, tmp_path):
    option = next(iter(inferencer.options))
    for wrong in (dict(batch_size=0), {option: -1}, dict(radius=3)):
        ((name, value),) = wrong.items()
        with pytest.raises(UserError, match=f'{name}={value}'):
            inferencer(pictures(1), **wrong)
    (tmp_path / 'file').write_text('')
    with pytest.raises(UserError, match=r'cannot make the folder .*file'):
        inferencer(pictures(1), out_dir=tmp_path / 'file')


def test_configs_that_do_not_fit(task, files, tmp_path):
    cfg = config_of(task)
    cfg.test_dataloader.dataset.pipeline.pop(0)
    with pytest.raises(UserError, match='no LoadImageFromFile'):
        inferencer_for(cfg, files[1])
    for scope in ('mmaudio', 'mmengine'):  # unknown, and without an inferencer
        cfg.default_scope = scope
        with pytest.raises(UserError, match=rf"'{scope}'.*mmdet.*mmseg.*mmpretrain"):
            inferencer_for(cfg, files[1])
    other = Inferencer if task == 'segmentor' else SegmentationInferencer
    with pytest.raises(UserError, match=r'not a .*image_demo'):
        other(*files)
