"""A classifier's answer beside the image."""

import numpy as np
import pytest

from mmvisx.visualization.classification import draw_scores

NAMES, SCORES = ['a long name of a class', 'b'], [0.75, 0.25]


@pytest.mark.parametrize(
    ('size', 'shown'),
    [((32, 32), (224, 224)), ((8, 100), (24, 300)), ((300, 400), (300, 400)),
     ((1600, 1200), (800, 600))],
)  # fmt: skip
def test_the_image_is_shown_at_a_readable_size(size, shown):
    image = np.random.default_rng(0).integers(0, 200, (*size, 3), dtype=np.uint8)
    picture = draw_scores(image, NAMES, SCORES)
    inside = picture[: shown[0], : shown[1]]
    if shown[0] % size[0] == 0:
        factor = shown[0] // size[0]
        assert np.array_equal(inside[::factor, ::factor], image)
    assert (inside.max(axis=2) < 230).all()
    assert (picture[: shown[0], shown[1]] == 255).all()  # the panel begins with a margin
    assert (picture[:, -1] == 255).all()  # no text is cut off
    assert len(picture) >= max(shown[0], 2 * 24)


def test_bars_are_as_long_as_the_scores():
    picture = draw_scores(np.zeros((224, 224, 3), np.uint8), NAMES, SCORES)
    blue = (picture == (70, 110, 180)).all(axis=2)
    rows = np.flatnonzero(blue.any(axis=1))
    lengths = sorted({int(blue[row].sum()) for row in rows})
    assert lengths[1] == pytest.approx(3 * lengths[0], abs=3)


def test_the_first_line_says_whether_it_is_right():
    image = np.zeros((64, 64, 3), np.uint8)
    right, wrong = (draw_scores(image, NAMES, SCORES, truth=name) for name in NAMES)
    # The text is smoothed: few of its pixels have its colour entirely.
    for picture, strong, weak in ((right, 1, 0), (wrong, 0, 1)):
        difference = picture[..., strong].astype(int) - picture[..., weak]
        assert (difference > 50).sum() > 20
        assert not (difference < -50).any()
