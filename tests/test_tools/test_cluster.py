"""The tool that clusters a folder of pictures: learn, assign, refuse."""

import csv
import json
import re

import cv2
import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from mmvisx.apis import DeepClustering
from mmvisx.apis.embedded_clustering import photos as api
from mmvisx.apis.embedded_clustering.points import read_points
from mmvisx.utils import UserError

TOOL = 'tools/cluster.py'
LONG = dict(
    channels=(16, 3), pair_iters=100, whole_iters=200, lr=0.005, max_iters=20, interval=10,
    n_init=3,
)  # fmt: skip
QUICK = dict(LONG, pair_iters=10, whole_iters=20)
SETTINGS, SHORT = api.SETTINGS, api.SHORT
COLOURS = [(200, 40, 40), (40, 200, 40), (40, 40, 200)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(api, 'SETTINGS', QUICK)
    monkeypatch.setattr(api, 'SHORT', {})


def write(folder, count, seed=0, k=3):
    """Write pictures of k colours in turn; return the folder."""
    draw = np.random.default_rng(seed)
    for number in range(count):
        noise = draw.integers(-30, 30, (24, 32, 3))
        path = folder / f'day {number % 2}/{number:02}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        image = np.clip(np.array(COLOURS[number % k]) + noise, 0, 255)
        cv2.imwrite(str(path), image.astype(np.uint8))
    return folder


def rows(out):
    with (out / 'clusters.csv').open(newline='') as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope='module')
def trained(tmp_path_factory, tool):
    """A folder with two broken pictures, and what was made of it."""
    root = tmp_path_factory.mktemp('photos')
    folder, out = write(root / 'photos', 21), root / 'out'
    (folder / 'day 0/empty.jpg').write_bytes(b'')
    whole = (folder / 'day 1/01.png').read_bytes()
    (folder / 'day 1/cut.png').write_bytes(whole[: len(whole) // 2])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, 'SETTINGS', LONG)
        patch.setattr(api, 'SHORT', {})
        assert tool(TOOL, folder, '--k', 3, '--out', out, '--links', '--device', 'cpu') == 0
    return folder, out


def test_the_list(trained):
    folder, out = trained
    found = rows(out)
    assert list(found[0]) == [
        'file', 'cluster', 'probability', 'distance', 'second_choice', 'fault'
    ]  # fmt: skip
    whole = [row for row in found if not row['fault']]
    assert sorted(row['file'] for row in found) == sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob('*.*')
    )
    colours = [int(row['file'][-6:-4]) % 3 for row in whole]
    assert adjusted_rand_score(colours, [row['cluster'] for row in whole]) == 1
    broken = {row['file']: row for row in found if row['fault']}
    assert set(broken) == {'day 0/empty.jpg', 'day 1/cut.png'}
    assert broken['day 0/empty.jpg']['fault'] == 'is an empty file'
    assert {row['cluster'] for row in broken.values()} == {''}


def test_the_numbers_are_those_of_the_model(trained):
    """By loops over Eq. 3.1."""
    folder, out = trained
    model = DeepClustering.load(out / 'clusters.pth')
    points = read_points(folder)
    codes = model.transform(points.vectors)
    for row in (row for row in rows(out) if not row['fault']):
        code = codes[points.names.index(row['file'])]
        away = [float(((code - centre) ** 2).sum()) ** 0.5 for centre in model.cluster_centers_]
        kernel = [1 / (1 + each**2) for each in away]
        order = sorted(range(3), key=away.__getitem__)
        assert [int(row['cluster']), int(row['second_choice'])] == order[:2]
        assert float(row['probability']) == pytest.approx(max(kernel) / sum(kernel), rel=1e-3)
        assert float(row['distance']) == pytest.approx(min(away), rel=1e-3)


def test_the_page(trained):
    _, out = trained
    text = (out / 'clusters.html').read_text()
    assert '21 pictures' in text
    assert '2 broken pictures were left out' in text
    sheets = re.split(r'<h2 id="sheet-\d">', text)[1:]
    titles = [sheet.split('<')[0] for sheet in sheets]
    assert titles == ['Cluster 0', 'Cluster 1', 'Cluster 2', 'Least certain', 'Broken']
    found = [row for row in rows(out) if not row['fault']]
    for cluster, sheet in enumerate(sheets[:3]):
        mine = [row for row in found if row['cluster'] == str(cluster)]
        mine.sort(key=lambda row: float(row['distance']))
        assert re.findall(r'title="([^"]+)"', sheet) == [row['file'] for row in mine]
    sure = {row['file']: float(row['probability']) for row in found}
    order = [sure[name] for name in re.findall(r'title="([^"]+)"', sheets[3])]
    assert order == sorted(sure.values())
    assert 'day 1/cut.png' in sheets[4]
    for link in re.findall(r'class="box" href="([^"]+)"', text):
        assert (out / link.replace('%20', ' ')).is_file()


def test_the_links(trained):
    folder, out = trained
    found = {row['file']: row for row in rows(out) if not row['fault']}
    links = sorted((out / 'links').glob('*/*'))
    assert {path.resolve().relative_to(folder.resolve()).as_posix() for path in links} == set(found)
    for path in links:
        name = path.resolve().relative_to(folder.resolve()).as_posix()
        assert path.parent.name == f'cluster_{found[name]["cluster"]}'
    assert links[0].name.startswith('0001_')


def test_new_pictures_by_the_model(tool, trained, tmp_path, monkeypatch):
    folder, out = trained
    monkeypatch.setattr(DeepClustering, 'fit', None)  # nothing is trained
    model = ['--model', out / 'clusters.pth', '--device', 'cpu']
    assert tool(TOOL, folder, *model, '--out', tmp_path / 'same') == 0
    assert rows(tmp_path / 'same') == rows(out)
    others = write(tmp_path / 'others', 3, seed=5)
    assert tool(TOOL, others, *model, '--out', tmp_path / 'new') == 0
    of = {int(r['file'][-6:-4]) % 3: r['cluster'] for r in rows(out) if not r['fault']}
    assert [row['cluster'] for row in rows(tmp_path / 'new')] == [of[0], of[2], of[1]]
    assert not (tmp_path / 'new/clusters.pth').exists()


def test_auto_draws_and_says_why(tool, tmp_path, capsys):
    folder, out = write(tmp_path / 'photos', 24), tmp_path / 'out'
    assert tool(TOOL, folder, '--k', 'auto', '--out', out, '--device', 'cpu') == 0
    said = capsys.readouterr().out
    numbers = json.loads((out / 'counts.json').read_text())
    assert numbers['counts'] == [2, 3, 4]
    assert len(numbers['generalizability']) == 3
    assert numbers['said'] in said
    text = (out / 'clusters.html').read_text()
    assert 'data:image/png' in text
    assert f'in {numbers["chosen"]} clusters' in said
    assert cv2.imread(str(out / 'counts.png')).shape[0] > 300


def test_clusters_that_ran_empty_are_reported(tool, tmp_path, capsys, monkeypatch):
    """Alike pictures of which a training makes fewer clusters, in plain words."""
    folder = write(tmp_path / 'photos', 8)
    proba = DeepClustering.predict_proba
    for used, words in ((2, '--k 2, for --k auto'), (1, 'All pictures are in cluster 0')):

        def moved(self, x, used=used):
            q = proba(self, x)
            return np.concatenate([q[:, :used] + 1, q[:, used:] * 0], axis=1) / (used + 1)

        monkeypatch.setattr(DeepClustering, 'predict_proba', moved)
        out = tmp_path / str(used)
        tool(TOOL, folder, '--k', 3, '--out', out, '--device', 'cpu')
        assert words in capsys.readouterr().out
        assert words in (out / 'clusters.html').read_text()


def test_what_is_there_stays(tool, trained):
    folder, out = trained
    before = {path: path.read_bytes() for path in out.glob('clusters.*')}
    for options in (['--k', 3], ['--model', out / 'clusters.pth']):
        with pytest.raises(UserError, match=r'clusters\.csv is there already: name another'):
            tool(TOOL, folder, *options, '--out', out)
    assert {path: path.read_bytes() for path in out.glob('clusters.*')} == before


def _killed(*args):
    raise KeyboardInterrupt


def test_a_model_whose_page_was_not_reached(tool, tmp_path, monkeypatch):
    """Killed after the training: what took long is there, and the tool says how to go on."""
    folder, out = write(tmp_path / 'photos', 6), tmp_path / 'out'
    with monkeypatch.context() as patch:
        patch.setattr(api, 'write_results', _killed)
        with pytest.raises(KeyboardInterrupt):
            tool(TOOL, folder, '--k', 2, '--out', out, '--device', 'cpu')
    with pytest.raises(UserError, match=r'--model .*clusters\.pth assigns pictures with it'):
        tool(TOOL, folder, '--k', 2, '--out', out)
    assert tool(TOOL, folder, '--model', out / 'clusters.pth', '--out', out) == 0
    assert len(rows(out)) == 6


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--k', 1], '--k 1 should be 2 or more'),
        (['--k', 'many'], '--k many should be 2 or more, or auto'),
        (['--k', 7], '--k 7: 6 pictures can be read, 6 of them different; from 2'),
        (['--k', 'auto'], 'needs 20 different ones, here are 6'),
        ([], 'give either --k'),
        (['--k', 2, '--model', 'a.pth'], 'give either --k'),
        (['--k', 2, '--backbone', 'a.py'], '--backbone CONFIG and --checkpoint FILE go together'),
        (['--model', 'missing.pth'], 'missing.pth'),
    ],
)
def test_mistakes(tool, tmp_path, options, message):
    folder = write(tmp_path / 'photos', 6)
    with pytest.raises(UserError, match=message):
        tool(TOOL, folder, *options, '--out', tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_more_clusters_than_different_pictures(tool, tmp_path):
    folder = write(tmp_path / 'photos', 3)
    for number in range(4):
        (folder / f'copy{number}.png').write_bytes((folder / 'day 0/00.png').read_bytes())
    with pytest.raises(UserError, match=r'--k 4: 7 pictures can be read, 3 of them different'):
        tool(TOOL, folder, '--k', 4, '--out', tmp_path / 'out')


def test_folders_without_pictures(tool, tmp_path):
    (tmp_path / 'none').mkdir()
    (tmp_path / 'none/notes.txt').write_text('x')
    (tmp_path / 'broken').mkdir()
    (tmp_path / 'broken/a.png').write_bytes(b'')
    for name, message in (
        ('none', 'has no picture'),
        ('missing', 'is no folder'),
        ('broken', 'none of 1 pictures can be read; the first: .*a.png: is an empty file'),
    ):
        with pytest.raises(UserError, match=message):
            tool(TOOL, tmp_path / name, '--k', 2, '--out', tmp_path / 'out')


def test_links_inside_the_pictures(tool, tmp_path):
    folder = write(tmp_path / 'photos', 3)
    with pytest.raises(UserError, match='whose pictures its links would double'):
        tool(TOOL, folder, '--k', 2, '--out', folder / 'out', '--links')


NETWORK = """
model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet_CIFAR', depth=18, base_channels={0}, stem_channels={0}),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=2, in_channels={1}),
)
data_preprocessor = dict(num_classes=2, mean=[128, 128, 128], std=[64, 64, 64], to_rgb=True)
test_dataloader = dict(
    batch_size=2,
    dataset=dict(
        type='CustomDataset',
        data_prefix='none',
        pipeline=[
            dict(type='LoadImageFromFile'), dict(type='Resize', scale=16), dict(type='PackInputs')
        ],
    ),
)
test_cfg = dict()
test_evaluator = dict(type='Accuracy')
default_scope = 'mmpretrain'
"""


def network(folder, name, channels=4):
    """Write a classifier with random weights; return the options that name it."""
    from mmvisx.apis.build import build_model

    config, weights = folder / f'{name}.py', folder / f'{name}.pth'
    config.write_text(NETWORK.format(channels, 8 * channels))
    torch.manual_seed(len(name))
    torch.save(dict(state_dict=build_model(config).state_dict()), weights)
    return ['--backbone', config, '--checkpoint', weights, '--device', 'cpu']


def test_features_of_a_network_and_models_of_other_points(tool, trained, tmp_path):
    folder, out = write(tmp_path / 'photos', 6), tmp_path / 'out'
    mine = network(tmp_path, 'mine')
    assert tool(TOOL, folder, '--k', 2, *mine, '--out', out) == 0
    model = DeepClustering.load(out / 'clusters.pth')
    assert model.n_features_in_ == 32
    assert model.notes_['made'] == '32 features of ResNet_CIFAR'
    assert tool(TOOL, folder, '--model', out / 'clusters.pth', *mine, '--out', tmp_path / 'a') == 0
    assert rows(tmp_path / 'a') == rows(out)
    wide, other = network(tmp_path, 'wide', 8), network(tmp_path, 'other')
    hog = trained[1] / 'clusters.pth'
    for path, options, message in (
        (out / 'clusters.pth', [], r'32 features .* read as gradients and colours .*1428 values'),
        (out / 'clusters.pth', wide, r'32 features .* read as 64 features'),
        (out / 'clusters.pth', other, r'read as 32 features of ResNet_CIFAR, weights'),
        (hog, mine, r'is of gradients and colours of 96x96 pixels \(1428 values\)'),
    ):
        with pytest.raises(UserError, match=message):
            tool(TOOL, folder, '--model', path, *options, '--out', tmp_path / 'b')
    # A checkpoint of other widths
    with pytest.raises(UserError, match=r'wide\.pth'):
        tool(TOOL, folder, '--k', 2, *mine[:3], wide[3], '--out', tmp_path / 'b')


@pytest.mark.slow
@pytest.mark.realdata
def test_photographs(tool, realdata, tmp_path):
    """With the settings that people get."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, 'SETTINGS', SETTINGS)
        patch.setattr(api, 'SHORT', SHORT)
        tool(TOOL, realdata / 'coco128/train2017', '--k', 8, '--out', tmp_path / 'out')
    found = rows(tmp_path / 'out')
    assert len(found) == 128
    assert {row['cluster'] for row in found} == set('01234567')
    text = (tmp_path / 'out/clusters.html').read_text()
    assert text.count('<img') == 128 + 50
