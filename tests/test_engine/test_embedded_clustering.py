"""Both phases of DEC by tools/train.py, on points of three clouds."""

import shutil
from itertools import pairwise

import numpy as np
import pytest
import torch

from mmvisx.datasets import VectorDataset
from mmvisx.utils import UserError
from tests.helpers.embedded_clustering import CHANNELS, STAGES, Trainings


@pytest.fixture(scope='module')
def trainings(repo, tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield Trainings(repo, tmp_path_factory.mktemp('clustering'), monkeypatch)


@pytest.fixture(scope='module')
def autoencoder(trainings):
    return trainings.run(trainings.write('autoencoder', 'autoencoder'))


def start(autoencoder):
    """A line of a config: DEC from the autoencoder."""
    checkpoint = str(autoencoder / f'iter_{sum(STAGES)}.pth')
    cfg = dict(type='Pretrained', checkpoint=checkpoint, prefix='encoder.')
    return f'\nmodel["encoder"]["init_cfg"] = dict(**{cfg!r})\n'.replace('{', '{{').replace(
        '}', '}}'
    )


@pytest.fixture(scope='module')
def dec(trainings, autoencoder):
    return trainings.run(trainings.write('dec', 'dec', start(autoencoder)))


def read(folder, iteration):
    return torch.load(folder / f'iter_{iteration}.pth', weights_only=False)


def same(a, b):
    """Whether two checkpoints' weights and optimizers are equal bit for bit."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def layer(name):
    """Which pair a parameter belongs to."""
    return int(name.split('.')[-2])


def test_a_stage_trains_its_pair_and_leaves_all_others_untouched(autoencoder):
    ends = [0, *np.cumsum(STAGES)]
    for stage, (begin, end) in enumerate(pairwise(ends[1:-1]), start=1):
        before, after = (read(autoencoder, n)['state_dict'] for n in (begin, end))
        for name, value in before.items():
            assert torch.equal(value, after[name]) == (layer(name) != stage), name
    before, after = (read(autoencoder, n)['state_dict'] for n in ends[-2:])
    assert not any(torch.equal(value, after[name]) for name, value in before.items())


def test_rates_and_momentum_of_every_iteration(autoencoder):
    for end in range(1, sum(STAGES)):
        # A checkpoint holds the values of the next iteration
        starts = [s for s in np.cumsum([0, *STAGES[:-1]]) if s <= end]
        t = end - starts[-1]
        groups = read(autoencoder, end)['optimizer']['param_groups']
        for group in groups:
            biased = len(group['params']) and group['initial_lr'] == 0.2
            assert group['lr'] == pytest.approx((0.2 if biased else 0.1) * 0.1 ** (t // 4))
            assert group['momentum'] == pytest.approx(0.9 * min(t / 3, 1))
        assert sorted({g['initial_lr'] for g in groups}) == [0.1, 0.2]


def test_a_step_of_the_second_pair_by_hand(trainings):
    """Without dropout: the loss of what the first pair gives, and SGD at rest."""
    config = trainings.write('by_hand', 'autoencoder', '\nmodel["dropout"] = 0.0\n')
    folder = trainings.run(config)
    before, after = (read(folder, n)['state_dict'] for n in (STAGES[0], STAGES[0] + 1))
    rows = (np.arange(16) + 16 * STAGES[0]) % 50  # in the order of the file, wrapping round
    x = torch.from_numpy(np.load(trainings.data)[rows])
    w, b = (before[f'encoder.layers.0.{n}'] for n in ('weight', 'bias'))
    h = (x @ w.T + b).relu()
    names = [f'{part}.1.{n}' for part in ('encoder.layers', 'decoder') for n in ('weight', 'bias')]
    w1, b1, w2, b2 = (before[n].clone().requires_grad_() for n in names)
    rebuilt = ((h @ w1.T + b1).relu() @ w2.T + b2).relu()
    (0.5 * (rebuilt - h).square().mean()).backward()
    for name, value, rate in zip(names, (w1, b1, w2, b2), (0.1, 0.2, 0.1, 0.2), strict=True):
        # The momentum is 0 in the first iteration of a stage, and nothing is remembered
        torch.testing.assert_close(after[name], value.detach() - rate * value.grad)


def test_features_that_are_not_kept_change_nothing(trainings, autoencoder):
    config = trainings.write('unkept', 'autoencoder', '\ntrain_cfg["cache_limit"] = 0\n')
    weights = read(trainings.run(config), sum(STAGES))['state_dict']
    for name, value in read(autoencoder, sum(STAGES))['state_dict'].items():
        torch.testing.assert_close(weights[name], value, rtol=1e-5, atol=1e-6)


def test_points_are_not_read_while_features_are_kept(trainings, autoencoder, monkeypatch):
    read_rows, counts = VectorDataset.read, []
    monkeypatch.setattr(
        VectorDataset, 'read', lambda *args: counts.append(len(args[1])) or read_rows(*args)
    )
    weights = read(trainings.run(trainings.write('kept', 'autoencoder')), sum(STAGES))
    assert same(weights['state_dict'], read(autoencoder, sum(STAGES))['state_dict'])
    # Batches of the first pair and of the whole, of these the very first twice, and the one that
    # was there when the second pair began; all points for the features of two pairs
    assert sum(counts) == 16 * (STAGES[0] + STAGES[-1] + 2) + 2 * 50
    # A worker has read its batches before features are there
    workers = '\ntrain_dataloader["num_workers"] = 1\n'
    weights = read(trainings.run(trainings.write('worker', 'autoencoder', workers)), sum(STAGES))
    assert same(weights['state_dict'], read(autoencoder, sum(STAGES))['state_dict'])


def test_the_same_seed_gives_the_same_clusters(trainings, autoencoder, dec):
    again = trainings.run(trainings.write('again', 'dec', start(autoencoder)))
    for part in ('state_dict', 'mmvisx_dec_targets'):
        assert same(read(again, 12)[part], read(dec, 12)[part])
    extra = '\nrandomness["seed"] = 4\n'
    other = read(trainings.run(trainings.write('other_seed', 'autoencoder', extra)), 1)
    assert not same(other['state_dict'], read(autoencoder, 1)['state_dict'])


@pytest.mark.parametrize('iteration', [3, 6, 9, 20])
def test_an_autoencoder_that_goes_on_equals_one_that_was_not_interrupted(
    trainings, autoencoder, iteration
):
    folder = trainings.folder / f'resumed_{iteration}'
    config = trainings.write(folder.name, 'autoencoder')
    folder.mkdir()
    shutil.copy(autoencoder / f'iter_{iteration}.pth', folder)
    (folder / 'last_checkpoint').write_text(str(folder / f'iter_{iteration}.pth'))
    trainings.run(config, '--resume')
    a, b = (read(f, sum(STAGES)) for f in (folder, autoencoder))
    for key in ('state_dict', 'optimizer'):
        assert same(a[key], b[key]), key


def loop_targets(z, mu):
    """Q, clusters and P of all codes, written from Eq. 3.1 and 3.3."""
    kernel = 1 / (1 + ((z[:, None] - mu[None]) ** 2).sum(-1))
    q = kernel / kernel.sum(1, keepdims=True)
    p = q**2 / q.sum(0)
    return q, q.argmax(1), p / p.sum(1, keepdims=True)


def codes(state, points):
    for index in range(len(CHANNELS) - 1):
        weight, bias = (state[f'encoder.layers.{index}.{n}'].numpy() for n in ('weight', 'bias'))
        points = points @ weight.T + bias
        points = points if index == len(CHANNELS) - 2 else np.maximum(points, 0)
    return points


def test_targets_are_those_of_all_points_at_every_renewal(trainings, dec):
    points = np.load(trainings.data)
    clusters = []
    for iteration in (4, 8, 12):
        checkpoint = read(dec, iteration)
        state, kept = checkpoint['state_dict'], checkpoint['mmvisx_dec_targets']
        _, found, p = loop_targets(codes(state, points), state['centroids'].numpy())
        np.testing.assert_allclose(kept['targets'].numpy(), p, rtol=2e-4, atol=1e-6)
        assert kept['clusters'].tolist() == found.tolist()
        clusters.append(found)
        at = kept['history'][-1]
        assert at['iter'] == iteration
        assert at['sizes'] == np.bincount(found, minlength=3).tolist()
        # Constant until the next renewal
        if iteration < 12:
            again = read(dec, iteration + 3)['mmvisx_dec_targets']['targets']
            assert torch.equal(again, kept['targets'])
    changed = (clusters[2] != clusters[1]).mean()
    assert at['changed'] == pytest.approx(changed)
    assert [h['iter'] for h in kept['history']] == [0, 4, 8, 12]
    assert {'acc', 'nmi', 'ari'} <= set(kept['history'][0])


def test_the_momentum_starts_again_at_every_renewal(dec):
    for iteration, there in ((3, True), (4, False), (5, True), (8, False)):
        state = read(dec, iteration)['optimizer']['state']
        assert any('momentum_buffer' in s for s in state.values()) == there


def test_the_first_centroids_are_those_of_the_best_k_means(trainings, autoencoder):
    from sklearn.cluster import KMeans

    extra = start(autoencoder) + '\noptim_wrapper = dict(optimizer=dict(lr=0.0))\n'
    folder = trainings.run(trainings.write('first', 'dec', extra))
    state = read(folder, 12)['state_dict']
    z = codes(state, np.load(trainings.data))
    best = KMeans(3, n_init=50, random_state=1).fit(z)
    found = state['centroids'].numpy()
    np.testing.assert_allclose(
        found[np.lexsort(found.T)],
        best.cluster_centers_[np.lexsort(best.cluster_centers_.T)],
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize('iteration', [2, 4, 7])
def test_a_clustering_that_goes_on_equals_one_that_was_not_interrupted(
    trainings, autoencoder, dec, iteration
):
    folder = trainings.folder / f'dec_resumed_{iteration}'
    config = trainings.write(folder.name, 'dec', start(autoencoder))
    folder.mkdir()
    shutil.copy(dec / f'iter_{iteration}.pth', folder)
    (folder / 'last_checkpoint').write_text(str(folder / f'iter_{iteration}.pth'))
    trainings.run(config, '--resume')
    a, b = (read(f, 12) for f in (folder, dec))
    for key in ('state_dict', 'optimizer', 'mmvisx_dec_targets'):
        assert same(a[key], b[key]), key


def test_it_stops_when_nothing_moves(trainings, autoencoder):
    extra = start(autoencoder) + (
        '\noptim_wrapper = dict(optimizer=dict(lr=0.0))\ncustom_hooks[-1]["tol"] = 0.001\n'
    )
    folder = trainings.run(trainings.write('still', 'dec', extra))
    # The first renewal has nothing to compare with: k-means' clusters are those of iteration 0
    assert not (folder / 'iter_5.pth').exists()
    assert (folder / 'iter_4.pth').exists()


def test_what_it_stops_with_is_written(trainings, autoencoder):
    extra = start(autoencoder) + (
        '\ncustom_hooks[-1]["tol"] = 1.0\ndefault_hooks["checkpoint"]["interval"] = 100\n'
    )
    folder = trainings.run(trainings.write('stopped', 'dec', extra))
    last = (folder / 'last_checkpoint').read_text()
    assert last.endswith('iter_4.pth')
    assert [at['iter'] for at in read(folder, 4)['mmvisx_dec_targets']['history']] == [0, 4]


def test_without_labels_there_is_no_accuracy(trainings, autoencoder):
    extra = start(autoencoder) + '\ntrain_dataloader["dataset"].pop("labels")\n'
    kept = read(trainings.run(trainings.write('unlabelled', 'dec', extra)), 12)
    assert not {'acc', 'nmi', 'ari'} & set(kept['mmvisx_dec_targets']['history'][-1])


@pytest.fixture
def collapsed(trainings, dec):
    """A checkpoint two of whose centroids are far from all points, and a config's line for it."""
    checkpoint = read(dec, 12)
    checkpoint['state_dict']['centroids'][1:] += 1e4
    path = trainings.folder / 'collapsed.pth'
    torch.save(dict(state_dict=checkpoint['state_dict']), path)
    return '\nmodel["init_cfg"] = dict(type="Pretrained", checkpoint=' + repr(str(path)) + ')\n'


def test_a_collapse_is_reported(trainings, collapsed, caplog):
    folder = trainings.run(trainings.write('warned', 'dec', collapsed))
    log = next(folder.glob('*/*.log')).read_text()
    assert 'clusters [1, 2] of 3 have fewer than 0.167 points' in log
    extra = collapsed + '\ncustom_hooks[-1]["on_collapse"] = "stop"\n'
    with pytest.raises(UserError, match=r'clusters \[1, 2\] of 3'):
        trainings.run(trainings.write('stopped', 'dec', extra))


def test_a_collapse_is_mended(trainings, collapsed):
    extra = collapsed + '\ncustom_hooks[-1]["on_collapse"] = "reseed"\n'
    folder = trainings.run(trainings.write('reseeded', 'dec', extra))
    assert min(read(folder, 1)['mmvisx_dec_targets']['history'][0]['sizes']) > 0


@pytest.mark.parametrize(
    ('kind', 'extra', 'names'),
    [
        ('autoencoder', 'train_cfg["stages"] = [3, 3]', 'the autoencoder has 3 pairs'),
        ('dec', 'train_cfg = dict(type="mmvisx.GreedyLoop", stages=[2])', 'DEC has no pairs'),
        ('dec', 'model["num_clusters"] = 60', 'num_clusters=60.*50 distinct'),
        (
            'dec',
            'model["encoder"]["init_cfg"] = dict(type="Constant", val=0, layer="Linear")',
            'num_clusters=3, but the 50 points have 1 distinct codes',
        ),
        ('dec', 'custom_hooks[-1]["interval"] = 0', 'interval=0'),
        ('dec', 'custom_hooks[-1]["tol"] = 3', 'tol=3'),
        ('dec', 'custom_hooks[-1]["on_collapse"] = "cry"', "on_collapse='cry'"),
    ],
)
def test_bad_configs(trainings, kind, extra, names):
    if 'max_iters' not in extra and 'GreedyLoop' in extra:
        extra = extra.replace('dict(type', 'dict(_delete_=True, type')
    with pytest.raises((UserError, ValueError), match=names):
        trainings.run(trainings.write('bad', kind, '\n' + extra + '\n'))


def test_an_autoencoder_that_diverges_names_the_rate(trainings):
    extra = '\noptim_wrapper = dict(optimizer=dict(lr=1e6))\n'
    with pytest.raises(UserError, match='lr'):
        trainings.run(trainings.write('diverging', 'autoencoder', extra))
