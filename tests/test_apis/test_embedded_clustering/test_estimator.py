"""DeepClustering as an estimator: fitted, saved, refused."""

import random

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from mmvisx.apis import DeepClustering
from mmvisx.utils import UserError
from tests.helpers.loggers import forget_loggers

SMALL: dict = dict(
    channels=(8, 2),
    pair_iters=100,
    whole_iters=300,
    lr=0.01,
    max_iters=40,
    interval=10,
    batch_size=32,
    n_init=3,
    random_state=0,
)


def clouds(n=90, seed=0):
    """Points (n, 6) of three clouds, and which each is of."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(3, size=n)
    centres = np.array([[4, 0, 0, 1, 0, 0], [0, 4, 0, 0, 1, 0], [0, 0, 4, 0, 0, 1]])
    return (centres[labels] + draw.normal(size=(n, 6)) / 2).astype('f4'), labels


@pytest.fixture(scope='module')
def points():
    return clouds()


@pytest.fixture(scope='module')
def fitted(points):
    return DeepClustering(3, **SMALL).fit(*points)


def test_finds_clouds(fitted, points):
    x, labels = points
    assert adjusted_rand_score(labels, fitted.labels_) > 0.9
    assert fitted.predict(x).tolist() == fitted.labels_.tolist()
    codes, q = fitted.transform(x), fitted.predict_proba(x)
    squares = ((codes[:, None] - fitted.cluster_centers_) ** 2).sum(2)
    kernel = 1 / (1 + squares)
    np.testing.assert_allclose(q, kernel / kernel.sum(1, keepdims=True), rtol=1e-4)
    assert fitted.n_iter_ <= 40
    assert [h['iter'] for h in fitted.history_] == list(range(0, fitted.n_iter_ + 1, 10))
    assert all({'acc', 'nmi', 'ari'} <= set(h) for h in fitted.history_)


def test_labels_teach_it_nothing(fitted, points):
    x, _ = points
    other = DeepClustering(3, **SMALL).fit(x)
    assert other.labels_.tolist() == fitted.labels_.tolist()
    assert other.transform(x).tobytes() == fitted.transform(x).tobytes()  # and the same seed
    assert 'acc' not in other.history_[0]


def test_sparse_points_are_as_dense_ones(fitted, points):
    x, _ = points
    other = DeepClustering(3, **SMALL).fit(sparse.csr_matrix(x))
    np.testing.assert_allclose(
        other.transform(sparse.csr_matrix(x)), fitted.transform(x), atol=1e-4
    )


def test_the_document_s_scale(points):
    """By default (1/d) |x|^2 is 1 on average."""
    x, _ = points
    model = DeepClustering(3, **{**SMALL, 'max_iters': 1, 'pair_iters': 1, 'whole_iters': 1})
    scale = model.fit(x * 100).scale_
    assert ((x * 100 * scale) ** 2).mean() == pytest.approx(1, rel=1e-5)
    assert model.set_params(scale=0.02).fit(x).scale_ == 0.02


def test_leaves_random_numbers_and_scopes_alone(points):
    from mmengine.registry import DefaultScope

    DefaultScope.get_instance('before', scope_name='mmdet')
    states = lambda: (torch.get_rng_state(), np.random.get_state()[1], random.getstate())  # noqa: E731
    before = states()
    DeepClustering(3, **SMALL).fit(points[0])
    for a, b in zip(before, states(), strict=True):
        assert np.array_equal(np.asarray(a, object), np.asarray(b, object))
    assert DefaultScope.get_current_instance().scope_name == 'mmdet'


def test_saved_and_loaded_it_predicts_the_same(fitted, points, tmp_path):
    x, _ = points
    fitted.save(tmp_path / 'clusters.pth')
    torch.load(tmp_path / 'clusters.pth', weights_only=True)  # nothing but plain values
    loaded = DeepClustering.load(tmp_path / 'clusters.pth')
    assert loaded.predict_proba(x).tobytes() == fitted.predict_proba(x).tobytes()
    assert loaded.labels_.tolist() == fitted.labels_.tolist()
    assert loaded.history_ == fitted.history_
    assert loaded.get_params()['channels'] == [8, 2]


def test_no_autoencoder_and_a_frozen_encoder(points):
    x, _ = points
    options = {**SMALL, 'pair_iters': 0, 'whole_iters': 0, 'freeze_encoder': True}
    model = DeepClustering(3, **options)
    # k-means and nothing else, if nothing learns
    model.set_params(max_iters=1, cluster_lr=0.0).fit(x)
    expected = KMeans(3, n_init=3, random_state=0).fit(model.transform(x))
    assert adjusted_rand_score(expected.labels_, model.labels_) > 0.9


def test_an_encoder_of_images_is_trained_end_to_end(tmp_path):
    """Bright and dark images; the document's encoder is of vectors."""
    draw = np.random.default_rng(0)
    bright = draw.integers(2, size=40)
    x = (bright[:, None] * 3 + draw.normal(size=(40, 1024)) / 4).astype('f4')
    encoder = dict(type='mmpretrain.LeNet5')
    options = {**SMALL, 'encoder': encoder, 'input_shape': (1, 32, 32)}
    model = DeepClustering(2, **options).fit(x)
    assert adjusted_rand_score(bright, model.labels_) == 1
    model.save(tmp_path / 'images.pth')
    with pytest.raises(UserError, match='another encoder'):
        DeepClustering.load(tmp_path / 'images.pth')
    loaded = DeepClustering.load(tmp_path / 'images.pth', encoder, (1, 32, 32))
    assert loaded.predict(x).tolist() == model.labels_.tolist()


@pytest.mark.parametrize(
    ('changes', 'x', 'names'),
    [
        (dict(n_clusters=1), clouds()[0], 'num_clusters=1'),
        (dict(n_clusters=4), np.repeat(clouds()[0][:3], 5, 0), 'n_clusters=4.*3 distinct'),
        (dict(lr=1e12), clouds()[0], 'lr'),
        (dict(tol=2), clouds()[0], 'tol=2'),
        (dict(interval=0), clouds()[0], 'interval=0'),
    ],
)
def test_bad_input(changes, x, names):
    with pytest.raises(UserError, match=names):
        DeepClustering(**{'n_clusters': 3, **SMALL, **changes}).fit(x)


@pytest.mark.parametrize(('bad', 'name'), [(np.nan, 'NaN'), (np.inf, 'infinity')])
@pytest.mark.parametrize('kind', [np.asarray, sparse.csr_array])
def test_points_that_are_not_finite(fitted, points, kind, bad, name):
    x = points[0].copy()
    x[6] = 0  # no entry of a sparse matrix
    x[[7, 9], 2] = bad
    for refuses in (DeepClustering(3, **SMALL).fit, fitted.predict):
        with pytest.raises(ValueError, match=rf'X contains {name}.* It is in row 7$'):
            refuses(kind(x))


def test_classes_of_other_points(points):
    with pytest.raises(UserError, match='labels: 5 labels for 90 points'):
        DeepClustering(3, **SMALL).fit(points[0], [0, 1, 2, 0, 1])


def test_constant_values_and_empty_rows_are_warned_of(points, capsys):
    x = points[0].copy()
    x[:, 4] = 0
    x[[3, 5]] = 0
    forget_loggers()  # that write to the screen of another test
    DeepClustering(3, **SMALL).fit(x)
    said = ''.join(capsys.readouterr())
    assert '1 of 6 values are the same in all 90 points (4)' in said
    assert '2 of 90 points are all zeros (rows 3, 5)' in said


def test_no_saved_estimator(tmp_path):
    torch.save(dict(state_dict=dict(weight=torch.zeros(2))), tmp_path / 'other.pth')
    with pytest.raises(UserError, match='no saved DeepClustering'):
        DeepClustering.load(tmp_path / 'other.pth')


QUICK = DeepClustering(
    2, channels=(4, 2), pair_iters=2, whole_iters=2, max_iters=2, interval=1, batch_size=8, n_init=1
)


ONE_CLUSTER = 'asks for one cluster, and DEC has two or more'
TAGS = 'asks clusterers that give probabilities for the tags of a classifier'
FAILING = dict(
    check_dont_overwrite_parameters=ONE_CLUSTER,
    check_methods_subset_invariance=ONE_CLUSTER,
    check_fit2d_1feature=ONE_CLUSTER,
    check_fit2d_predict1d=ONE_CLUSTER,
    check_estimator_sparse_array=TAGS,
    check_estimator_sparse_matrix=TAGS,
)


@pytest.mark.slow
@parametrize_with_checks([QUICK], expected_failed_checks=lambda estimator: FAILING)
def test_scikit_learn_s_checks(estimator, check):
    check(estimator)


def test_an_autoencoder_for_several_clusterings(fitted, points, tmp_path):
    """As if each had trained its own."""
    x, _ = points
    shared = DeepClustering(2, **SMALL).pretrain(x, tmp_path / 'autoencoder.pth')
    again = DeepClustering(3, **SMALL, **shared).fit(x)
    np.testing.assert_array_equal(again.labels_, fitted.labels_)
    np.testing.assert_allclose(again.transform(x), fitted.transform(x), atol=1e-6)


def test_shows_how_far_it_got(points, monkeypatch):
    shown = []
    monkeypatch.setattr(
        'mmvisx.apis.embedded_clustering.training.progress',
        lambda items, what, unit: (shown.append((what, item)) for item in items),
    )
    DeepClustering(3, **SMALL, verbose=True).fit(points[0])
    stages = [what for what, item in shown if item == 0]
    assert stages == ['training StackedAutoencoder', 'training DEC']
    assert len([what for what, _ in shown if 'Auto' in what]) == 500
