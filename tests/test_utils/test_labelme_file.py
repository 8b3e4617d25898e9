"""LabelMe's files: what shapes become, and what is wrong with a faulty one."""

import json
import math

import pytest

from mmvisx.utils import UserError
from mmvisx.utils.labelme_file import read_labelme
from tests.helpers.datasets import labelme_shape, write_labelme

TRIANGLE = [[4, 5], [14, 5], [14.5, 13]]


def read(folder, *shapes):
    return read_labelme(write_labelme(folder, {'1': list(shapes)}) / '1.json')


def test_shapes(tmp_path):
    file = read(
        tmp_path,
        labelme_shape('cat', TRIANGLE),
        labelme_shape('dog', [[18, 13], [8, 5]], 'rectangle'),
    )
    cat, dog = file.objects
    assert file.image == tmp_path / '1.jpg'
    assert file.size == (40, 30)
    assert cat == ('cat', (4, 5, 14.5, 13), [[4, 5, 14, 5, 14.5, 13]], ())
    assert dog == ('dog', (8, 5, 18, 13), [], ())


def test_circle_is_an_outline_a_pixel_off_at_most(tmp_path):
    (item,) = read(tmp_path, labelme_shape('cat', [[50, 40], [80, 40]], 'circle')).objects
    assert item.box == pytest.approx((20, 10, 80, 70))
    (outline,) = item.polygons
    points = list(zip(outline[::2], outline[1::2], strict=True))
    middles = [
        ((x + u) / 2, (y + v) / 2)
        for (x, y), (u, v) in zip(points, points[1:] + points[:1], strict=True)
    ]
    assert all(math.dist(p, (50, 40)) == pytest.approx(30) for p in points)
    assert all(29 <= math.dist(p, (50, 40)) < 30 for p in middles)


def test_a_group_is_one_object_of_a_label(tmp_path):
    file = read(
        tmp_path,
        labelme_shape('cat', TRIANGLE, group_id=1),
        labelme_shape('dog', TRIANGLE, group_id=1),
        labelme_shape('cat', [[20, 20], [30, 20], [30, 28]], group_id=1),
        labelme_shape('cat', TRIANGLE, group_id=2),
        labelme_shape('cat', TRIANGLE),
        labelme_shape('cat', TRIANGLE),
    )
    assert [(o.label, len(o.polygons)) for o in file.objects] == [
        ('cat', 2),
        ('dog', 1),
        ('cat', 1),
        ('cat', 1),
        ('cat', 1),
    ]
    assert file.objects[0].box == (4, 5, 30, 28)


def test_what_only_labelme_holds(tmp_path):
    flags = dict(flags={'occluded': True, 'cut': False}, description='left', group_id=1)
    (item,) = read(
        tmp_path,
        labelme_shape('cat', TRIANGLE, **flags),
        labelme_shape('cat', [[5, 5], [6, 6]], 'circle', group_id=1),
    ).objects
    assert item.extras == ('flag occluded', 'description', 'circle')


def test_shapes_that_are_no_object(tmp_path):
    file = read(
        tmp_path,
        labelme_shape('cat', [[1, 1]], 'point'),
        labelme_shape('cat', [[1, 1], [2, 2]], 'line'),
    )
    assert file.objects == []
    assert file.others == ['point', 'line']


def test_paths_of_windows_and_of_other_folders(tmp_path):
    path = write_labelme(tmp_path / 'json', {'1': []}) / '1.json'
    path.write_text(path.read_text().replace('1.jpg', '..\\\\images\\\\1.jpg'))
    assert read_labelme(path).image == tmp_path / 'json/../images/1.jpg'


def change(**values):
    return lambda content: content.update(values)


def change_shape(**values):
    return lambda content: content['shapes'][0].update(values)


@pytest.mark.parametrize(
    ('edit', 'message'),
    [
        (lambda content: content.pop('imagePath'), 'no imagePath'),
        (change(imagePath=None), 'no imagePath'),
        (change(shapes=None), 'no list of shapes'),
        (change(shapes=['cat']), r'shapes\[0\] is no object'),
        (change_shape(label=None), r'shapes\[0\] has no label'),
        (change_shape(label=''), r'shapes\[0\] has no label'),
        (change_shape(shape_type='poligon'), r"shapes\[0\]: shape_type 'poligon' is not known"),
        (change_shape(points=None), r'points should be a list'),
        (change_shape(points=[[1, 2], [3], [4, 5]]), r'points should be a list'),
        (change_shape(points=[[1, 2], [3, 'a'], [4, 5]]), r'points should be a list'),
        (change_shape(points=[[1, 2], [3, math.nan], [4, 5]]), r'finite'),
        (change_shape(points=[[1, 2], [3, 1e30], [4, 5]]), r'finite'),
        (change_shape(points=[[1, 2], [3, 4]]), r'polygon of 2 points, should be 3'),
        (change_shape(points=[[1, 2]], shape_type='rectangle'), r'rectangle of 1 points'),
        (change_shape(points=[[1, 2]], shape_type='circle'), r'circle of 1 points'),
    ],
)
def test_faulty_file(tmp_path, edit, message):
    path = write_labelme(tmp_path, {'1': [labelme_shape('cat', TRIANGLE)]}) / '1.json'
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=rf'1\.json: .*{message}'):
        read_labelme(path)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{"shapes": [,', r'no valid JSON: .* line 1, column 13'),
        ('[]', 'is no LabelMe file'),
        ('[' * 100_000, 'cannot be read'),
        ('\xff', 'cannot be read'),
    ],
)
def test_undecodable(tmp_path, text, message):
    path = tmp_path / '1.json'
    path.write_bytes(text.encode('latin-1'))
    with pytest.raises(UserError, match=rf'1\.json .*{message}'):
        read_labelme(path)


def test_missing(tmp_path):
    with pytest.raises(UserError, match=r'1\.json does not exist'):
        read_labelme(tmp_path / '1.json')
