"""Pictures of clusterings from the command line, on points of three clouds."""

import json
import shutil

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from mmvisx.apis import DeepClustering
from mmvisx.apis.embedded_clustering.sources import open_clusterings
from mmvisx.apis.embedded_clustering.thumbnails import thumbnails
from mmvisx.datasets import VectorDataset
from mmvisx.utils import UserError
from tests.helpers.embedded_clustering import STAGES, Trainings

TOOL = 'tools/analysis/clusters.py'
START = """
model["encoder"]["init_cfg"] = dict(
    type='Pretrained', checkpoint='{checkpoint}', prefix='encoder.'
)
"""
SPLIT = """
train_dataloader['dataset'].update(type='mmvisx.VectorSplit', part='train')
test_dataloader['dataset'].update(type='mmvisx.VectorSplit', part='held_out')
model['num_clusters'] = {k}
"""


@pytest.fixture(scope='module')
def trainings(repo, tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Trainings(repo, tmp_path_factory.mktemp('clustering'), monkeypatch)


@pytest.fixture(scope='module')
def begin(trainings):
    """Lines of a config: DEC from a trained autoencoder."""
    folder = trainings.run(trainings.write('autoencoder', 'autoencoder'))
    return START.replace('{checkpoint}', str(folder / f'iter_{sum(STAGES)}.pth'))


@pytest.fixture(scope='module')
def dec(trainings, begin):
    """A config, and the work dir of its training."""
    config = trainings.write('dec', 'dec', begin)
    return config, trainings.run(config)


@pytest.fixture(scope='module')
def unlabelled(trainings, begin):
    """The same config without labels."""
    lines = "\ntrain_dataloader['dataset'].pop('labels')\n"
    return trainings.write('unlabelled', 'dec', begin + lines)


def draw(tool, out, picture, *words):
    """Draw; the numbers that are written beside the picture."""
    assert tool(TOOL, picture, *words, '--out', out) == 0
    drawn = np.asarray(Image.open(out).convert('L'))
    assert drawn.std() > 5
    return json.loads(out.with_suffix('.json').read_text())


def scores(folder, at):
    content = torch.load(folder / 'iter_12.pth', weights_only=False)
    return next(h for h in content['mmvisx_dec_targets']['history'] if h['iter'] == at)


def test_typical_points_are_next_to_their_centroid(tool, dec, tmp_path):
    config, folder = dec
    words = (config, folder / 'iter_12.pth', '--shape', 2, 3, '--count', 4)
    rows = draw(tool, tmp_path / 'a.png', 'typical', *words)
    (found,) = open_clusterings([str(config), str(folder / 'iter_12.pth')])
    codes = found.model.embed(torch.from_numpy(found.dataset.read(np.arange(50))))
    clusters = found.model.assign(codes).argmax(dim=1)
    assert [row['size'] for row in rows] == scores(folder, 12)['sizes']
    for k, row in enumerate(rows):
        far = (codes - found.model.centroids[k]).norm(dim=1)
        far[clusters != k] = torch.inf
        assert row['points'] == far.argsort()[:4].tolist()
        assert row['classes'] == [str(found.dataset.labels[point]) for point in row['points']]


def test_start_is_where_the_training_began(tool, dec, tmp_path, capsys):
    config, folder = dec
    pull = draw(tool, tmp_path / 'a.png', 'gradients', config, 'start')
    assert 'rank correlation' in capsys.readouterr().out
    assert len(pull['points']) == max(scores(folder, 0)['sizes'])
    table = draw(tool, tmp_path / 'b.png', 'table', config, 'start')
    assert table['accuracy'] == scores(folder, 0)['acc']


def test_codes_at_several_times(tool, dec, tmp_path):
    config, folder = dec
    words = (config, 'start', folder / 'iter_4.pth', folder / 'iter_12.pth')
    some = ('--count', 20, '--perplexity', 5)
    times = draw(tool, tmp_path / 'a.png', 'tsne', *words, *some)
    assert [t['title'] for t in times] == [
        'epoch 0', 'epoch 1.3, iteration 4', 'epoch 3.8, iteration 12',
    ]  # fmt: skip
    assert [t['accuracy'] for t in times] == [scores(folder, at)['acc'] for at in (0, 4, 12)]
    assert np.shape(times[0]['places']) == (20, 2)


def test_table_and_reliability(tool, dec, tmp_path, capsys):
    config, folder = dec
    words = (config, folder / 'iter_12.pth')
    table = draw(tool, tmp_path / 'a.png', 'table', *words)
    assert np.sum(table['counts']) == 50
    assert np.trace(table['counts']) == pytest.approx(50 * scores(folder, 12)['acc'])
    curve = draw(tool, tmp_path / 'b.svg.png', 'reliability', *words, '--bins', 5)
    assert len(curve['counts']) == 5
    assert curve['mean_accuracy'] == pytest.approx(scores(folder, 12)['acc'])
    assert 'expected calibration error' in capsys.readouterr().out


def test_without_labels_what_needs_none_is_drawn(tool, unlabelled, dec, tmp_path):
    words = (unlabelled, dec[1] / 'iter_12.pth')
    pull = draw(tool, tmp_path / 'a.png', 'gradients', *words, '--cluster', 1)
    assert (pull['cluster'], pull['classes'], pull['right']) == ('1', [], [])
    (time,) = draw(tool, tmp_path / 'b.png', 'tsne', *words, '--perplexity', 5, '--count', 20)
    assert (time['accuracy'], time['names']) == (None, ['0', '1', '2'])
    for picture in ('table', 'reliability'):
        with pytest.raises(UserError, match=r'needs labels, and the points have none: [^\n]*$'):
            tool(TOOL, picture, *words)


def test_series(tool, trainings, begin, tmp_path):
    """Runs as a series leaves them, with 2 and 3 clusters and some points held out."""
    series = tmp_path / 'series'
    for k in (2, 3):
        work_dir = trainings.run(
            trainings.write(f'k_{k}', 'dec', begin + SPLIT.replace('{k}', f'{k}'))
        )
        run = series / f'k_{k}/seed_0'
        shutil.copytree(work_dir, run)
        (run / 'last_checkpoint').write_text(str(run / 'iter_12.pth'))
        (run / 'run.py').write_text((run / f'k_{k}.py').read_text())
        (run / 'result.json').write_text('{}')
    runs = [dict(row=f'DEC {v}', seed=0, metrics={'dec/acc': v / 10}) for v in (2, 4)]
    (series / 'results.json').write_text(json.dumps(dict(runs=runs)))
    numbers = draw(tool, tmp_path / 'a.png', 'numbers', series)
    assert [n['k'] for n in numbers] == [2, 3]
    assert all(n['g'][0] > 0 and 0 <= n['nmi'][0] <= 1 for n in numbers)
    (method,) = draw(tool, tmp_path / 'b.png', 'sweep', series)
    assert method['accuracies'] == [[0.2], [0.4]]
    run = series / 'k_2/seed_0/run.py'
    run.write_text(run.read_text().replace("part='held_out'", "part='train'"))
    with pytest.raises(UserError, match='tests on the points that it trains on'):
        tool(TOOL, 'numbers', series)
    with pytest.raises(UserError, match='has no finished training'):
        tool(TOOL, 'numbers', tmp_path)


@pytest.fixture(scope='module')
def saved(trainings):
    """A saved estimator, and a folder of pictures that its points stand for."""
    folder = trainings.folder / 'photos'
    folder.mkdir()
    points = np.load(trainings.data)
    for place in range(len(points)):
        cv2.imwrite(str(folder / f'{place}.png'), np.full((30, 60, 3), 5 * place, np.uint8))
    names = '\n'.join(f'{place}.png' for place in range(len(points)))
    (trainings.folder / 'files.txt').write_text(names)
    settings = dict(channels=(8, 2), pair_iters=5, whole_iters=20, max_iters=4, interval=2)
    clusters = DeepClustering(3, **settings, n_init=2, random_state=0).fit(points)
    clusters.save(trainings.folder / 'clusters.pth')
    return trainings.folder / 'clusters.pth', clusters


def test_saved_estimator_and_its_pictures(tool, saved, trainings, tmp_path):
    file, clusters = saved
    words = (file, '--points', trainings.data, '--pictures', trainings.folder / 'photos')
    rows = draw(tool, tmp_path / 'a.png', 'typical', *words)
    assert [row['size'] for row in rows] == np.bincount(clusters.labels_).tolist()
    labelled = ('--points', trainings.data, '--labels', trainings.labels)
    draw(tool, tmp_path / 'b.png', 'table', file, *labelled)
    data = VectorDataset(trainings.data)
    picture = thumbnails(data, trainings.data, trainings.folder / 'photos')(7)
    assert picture.shape == (48, 96, 3)
    assert (picture == 35).all()
    assert thumbnails(data, trainings.data)(7) == '7.png'


def test_pixels_are_pictures(tmp_path):
    images = np.arange(5 * 2 * 3).reshape(5, 2, 3)
    np.save(tmp_path / 'a.npy', images)
    data = VectorDataset(str(tmp_path / 'a.npy'), offset=3, scale=0.1)
    thumbnail = thumbnails(data, str(tmp_path / 'a.npy'))
    assert np.array_equal(thumbnail(4), np.rint(255 * images[4] / 29))
    assert thumbnails(data, images, shape=(1, 2, 3))(0).shape == (1, 2, 3)
    flat = VectorDataset(images.reshape(5, 6))
    assert thumbnails(flat, images.reshape(5, 6))(3) == '3'


def test_mistakes_are_named(tool, dec, saved, trainings, tmp_path):
    config, folder = dec
    last = folder / 'iter_12.pth'
    with pytest.raises(UserError, match='alone: give a config and a checkpoint'):
        tool(TOOL, 'typical', config)
    with pytest.raises(UserError, match='2 checkpoints: this picture is of 1'):
        tool(TOOL, 'typical', config, last, last)
    with pytest.raises(UserError, match='are for a saved estimator'):
        tool(TOOL, 'table', config, last, '--labels', trainings.labels)
    with pytest.raises(UserError, match='holds no points: name their files by --points'):
        tool(TOOL, 'typical', saved[0])
    np.save(tmp_path / 'other.npy', np.zeros((9, 5)) + np.arange(5))
    with pytest.raises(UserError, match=r'has 5 values, .* was fitted to points of 6'):
        tool(TOOL, 'typical', saved[0], '--points', tmp_path / 'other.npy')
    with pytest.raises(UserError, match='--shape 5 5 does not fit a point of 6 values'):
        tool(TOOL, 'typical', config, last, '--shape', 5, 5)
    photos = trainings.folder / 'photos'
    with pytest.raises(UserError, match=r'names 0 pictures of 9 points'):
        thumbnails(VectorDataset(str(tmp_path / 'other.npy')), tmp_path / 'other.npy', photos)
    with pytest.raises(UserError, match='is of no clustering: its model is StackedAutoencoder'):
        tool(
            TOOL,
            'typical',
            trainings.folder / 'autoencoder.py',
            trainings.folder / 'autoencoder/iter_1.pth',
        )
