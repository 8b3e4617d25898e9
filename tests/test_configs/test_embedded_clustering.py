"""The recipes and series of embedded clustering: the chapter's numbers, small trainings."""

import functools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits

from mmvisx.apis.run import prepare_config
from mmvisx.apis.series import load_series
from mmvisx.datasets.features.embedded_clustering.subsets import split_rows
from mmvisx.evaluation.clustering import cluster_scores
from mmvisx.registry import MODELS
from tests.helpers.embedded_clustering import Trainings

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
# Table 3.1: values of a point, classes; lambda of the published settings.
CHAPTER = {
    'mnist': (784, 10, 160),
    'stl10': (1428, 10, 40),
    'reuters_10k': (2000, 4, 20),
    'reuters': (2000, 4, 20),
}
NANO = {'nano_mnist': (784, 10), 'nano_digits': (64, 10)}
SHAPES = {**{name: numbers[:2] for name, numbers in CHAPTER.items()}, **NANO}
SERIES = sorted(path.stem for path in (CONFIGS / '_series_').glob('embedded_clustering_*.py'))
START = 'model.encoder.init_cfg.checkpoint'
INTERVAL = 'custom_hooks.DECTargetHook.interval'


def recipe(name):
    """Read a recipe of the method."""
    return prepare_config(CONFIGS / 'embedded_clustering' / f'{name}.py')


def hook_of(cfg):
    """Return the hook that renews the targets."""
    (hook,) = (h for h in cfg.custom_hooks if h['type'] == 'mmvisx.DECTargetHook')
    return hook


@functools.cache
def series(name):
    """Return the rows of a series of the method, and their configs, by the rows' names."""
    rows = load_series(f'configs/_series_/{name}.py').rows
    return {row.name: (row, prepare_config(row.config, options=dict(row.options))) for row in rows}


@pytest.fixture
def _here(repo, monkeypatch):
    monkeypatch.chdir(repo)


@pytest.mark.parametrize('data', CHAPTER)
def test_autoencoders_of_the_chapter(data):
    cfg = recipe(f'autoencoder_{data}')
    assert tuple(cfg.model.channels) == (CHAPTER[data][0], 500, 500, 2000, 10)
    assert cfg.model.dropout == 0.2
    assert cfg.train_dataloader.batch_size == 256
    assert cfg.train_cfg.stages == [50000] * 4 + [100000]
    assert cfg.optim_wrapper.optimizer == dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=0.0)
    assert cfg.optim_wrapper.paramwise_cfg == dict(bias_lr_mult=2.0)
    rate, momentum = cfg.param_scheduler
    assert (rate.step_size, rate.gamma, momentum.warmup) == (20000, 0.1, 1000)
    assert rate.stages == momentum.stages == cfg.train_cfg.stages


@pytest.mark.parametrize('data', CHAPTER)
def test_clusterings_of_the_chapter(data):
    cfg = recipe(f'dec_{data}')
    _, k, interval = CHAPTER[data]
    hook = hook_of(cfg)
    assert (cfg.model.num_clusters, cfg.model.get('alpha', 1.0)) == (k, 1.0)
    assert (hook.interval, hook.tol, hook.restarts) == (interval, 0.001, 20)
    assert cfg.train_cfg.max_iters >= 200 * interval
    assert cfg.optim_wrapper.optimizer == dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=0.0)
    assert cfg.optim_wrapper.paramwise_cfg == dict(bias_lr_mult=2.0)
    assert cfg.train_dataloader.batch_size == 256
    assert cfg.train_dataloader.sampler.shuffle is False
    assert cfg.train_dataloader.dataset == cfg.test_dataloader.dataset
    assert len(cfg.custom_hooks) == 3  # and those of every training


@pytest.mark.parametrize('data', SHAPES)
def test_clusterings_start_where_their_autoencoders_end(data):
    autoencoder, cfg = recipe(f'autoencoder_{data}'), recipe(f'dec_{data}')
    iterations, encoder = sum(autoencoder.train_cfg.stages), cfg.model.encoder
    assert encoder.init_cfg.checkpoint == f'work_dirs/autoencoder_{data}/iter_{iterations}.pth'
    assert iterations % autoencoder.default_hooks.checkpoint.interval == 0
    d, k = SHAPES[data]
    with DefaultScope.overwrite_default_scope(cfg.default_scope), torch.device('meta'):
        learnt, dec = MODELS.build(autoencoder.model), MODELS.build(cfg.model)
    shapes = [[p.shape for p in model.encoder.parameters()] for model in (learnt, dec)]
    assert shapes[0] == shapes[1]
    assert shapes[0][0] == (500, d)
    assert dec.centroids.shape == (k, 10)


def test_only_the_autoencoder_sees_pictures_without_labels():
    learnt, clustered = (
        recipe(f'{kind}_stl10').train_dataloader for kind in ('autoencoder', 'dec')
    )
    assert learnt.dataset.data == [clustered.dataset.data, 'data/stl10_hog/unlabelled.npy']
    learnt, clustered = (
        recipe(f'{kind}_mnist').train_dataloader for kind in ('autoencoder', 'dec')
    )
    assert [learnt.dataset.data] == clustered.dataset.data[:1]
    assert len(clustered.dataset.data) == 2


def test_a_sample_of_reuters_has_ten_thousand_stories():
    dataset = recipe('dec_reuters_10k').train_dataloader.dataset
    assert dataset == recipe('autoencoder_reuters_10k').train_dataloader.dataset
    _, held = split_rows(685071, dataset.share, dataset.seed)
    assert (dataset.part, len(held)) == ('held_out', 10000)


@pytest.mark.usefixtures('_here')
@pytest.mark.parametrize('name', [name for name in SERIES if not name.endswith('start')])
def test_rows_start_from_a_row_of_the_series_of_autoencoders(name):
    start = 'embedded_clustering_nano_start' if '_nano_' in name else 'embedded_clustering_start'
    ends = {}
    for row, cfg in series(start).values():
        path = f'work_dirs/{start}/{row.folder}/seed_{{seed}}/iter_{sum(cfg.train_cfg.stages)}.pth'
        ends[path] = cfg.model.channels
    for row, cfg in series(name).values():
        assert ends[cfg.model.encoder.init_cfg.checkpoint] == cfg.model.encoder.channels, row.name
        assert ('_nano_' in row.config) == ('_nano_' in name)


@pytest.mark.usefixtures('_here')
def test_tables_3_2_and_3_3_have_every_row_with_an_autoencoder():
    rows = series('embedded_clustering_tables')
    names = dict(zip(('MNIST', 'STL-HOG', 'REUTERS-10k', 'REUTERS'), CHAPTER, strict=True))
    methods = ('AE + k-means', 'DEC w/o backprop', 'DEC')
    assert list(rows) == [f'{data}, {method}' for data in names for method in methods]
    for name, (row, cfg) in rows.items():
        data, method = name.split(', ')
        assert Path(row.config).stem == f'dec_{names[data]}'
        assert cfg.model.get('freeze_encoder', False) == (method == 'DEC w/o backprop')
        assert (cfg.optim_wrapper.optimizer.lr == 0) == (method == 'AE + k-means')


@pytest.mark.usefixtures('_here')
@pytest.mark.parametrize('kind', ['', 'nano_'])
def test_nine_lambdas_of_figure_3_3(kind):
    found = {}
    for name, (_, cfg) in series(f'embedded_clustering_{kind}lambda').items():
        found.setdefault(name.rpartition(' ')[0], []).append(hook_of(cfg).interval)
        assert name.endswith(f' {hook_of(cfg).interval}')
    assert len(found) == (1 if kind else 4)
    assert all(v == [10, 20, 40, 80, 160, 320, 640, 1280, 2560] for v in found.values())


@pytest.mark.usefixtures('_here')
@pytest.mark.parametrize('kind', ['', 'nano_'])
def test_retention_rates_of_table_3_4_and_numbers_of_clusters_of_figure_3_6(kind):
    rates = []
    for name, (_, cfg) in series(f'embedded_clustering_{kind}imbalance').items():
        dataset = cfg.train_dataloader.dataset
        assert dataset == cfg.test_dataloader.dataset
        assert dataset.type == 'mmvisx.ImbalancedVectors'
        rates.append(dataset.r_min)
        assert (cfg.optim_wrapper.optimizer.lr == 0) == name.endswith('AE + k-means')
    assert rates == [rate for rate in (0.1, 0.3, 0.5, 0.7, 0.9) for _ in range(2)]
    numbers = []
    for _, cfg in series(f'embedded_clustering_{kind}k').values():
        numbers.append(cfg.model.num_clusters)
        learnt, held = cfg.train_dataloader.dataset, cfg.test_dataloader.dataset
        assert (learnt.part, held.part) == ('train', 'held_out')
        assert dict(learnt, part='') == dict(held, part='')
    assert numbers == list(range(4, 15))


def scores_of(folder):
    """Return accuracies of a training's renewals, as logged."""
    (file,) = folder.glob('*/vis_data/scalars.json')
    records = map(json.loads, file.read_text().splitlines())
    return [record['dec/acc'] for record in records if 'dec/acc' in record]


@pytest.mark.usefixtures('_here')
def test_the_row_without_dec_has_the_score_of_k_means(repo, tmp_path, monkeypatch):
    """On three clouds, against scikit-learn's k-means of the same codes."""
    trainings = Trainings(repo, tmp_path, monkeypatch)
    encoder = """
model['encoder']['init_cfg'] = dict(type='Normal', layer='Linear', std=0.4)
"""
    row, _ = series('embedded_clustering_tables')['MNIST, AE + k-means']
    changed = [f'{key}={value}' for key, value in row.options.items() if key != START]
    folder = trainings.run(trainings.write('dec', 'dec', encoder), '--cfg-options', *changed)
    weights = torch.load(folder / 'iter_1.pth', weights_only=False)['state_dict']
    codes = torch.from_numpy(np.load(trainings.data))
    for layer in range(3):
        codes = codes @ weights[f'encoder.layers.{layer}.weight'].T
        codes = codes if layer == 2 else codes.relu()
    found = KMeans(3, n_init=3, random_state=3).fit_predict(codes.double().numpy())
    expected = cluster_scores(np.load(trainings.labels), found)['acc']
    assert scores_of(folder) == pytest.approx([expected] * 2)


@pytest.fixture
def digits(repo, tmp_path, monkeypatch):
    """Train the two recipes of small digits, in their order, with options of each."""
    found = load_digits()
    (tmp_path / 'data/digits').mkdir(parents=True)
    np.save(tmp_path / 'data/digits/vectors.npy', found.data)
    np.save(tmp_path / 'data/digits/labels.npy', found.target)
    trainings = Trainings(repo, tmp_path / 'work_dirs', monkeypatch)
    monkeypatch.chdir(tmp_path)

    def train(autoencoder, clustering):
        folder, options = CONFIGS / 'embedded_clustering', ('--cfg-options', 'randomness.seed=0')
        trainings.run(folder / 'autoencoder_nano_digits.py', *options, *autoencoder)
        return trainings.run(folder / 'dec_nano_digits.py', *options, *clustering)

    return train


def test_small_digits_go_from_autoencoder_to_clusters(digits):
    first = Path('work_dirs/autoencoder_nano_digits/iter_10.pth')
    work_dir = digits(
        [
            'model.channels=[64,50,50,20,10]',
            'train_cfg.stages=[2,2,2,2,2]',
            'default_hooks.checkpoint.interval=10',
        ],
        [
            'model.encoder.channels=[64,50,50,20,10]',
            'train_cfg.max_iters=20',
            'optim_wrapper.optimizer.lr=0.0',
            f'{START}={first}',
        ],
    )
    before, after = (
        torch.load(path, weights_only=False)['state_dict']
        for path in (first, work_dir / 'iter_20.pth')
    )
    weights = [name for name in before if name.startswith('encoder.')]
    assert len(weights) == 8
    assert all(torch.equal(before[name], after[name]) for name in weights)
    assert after['centroids'].any()
    assert len(scores_of(work_dir)) == 2
