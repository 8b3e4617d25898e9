"""Names in the folder of results, of the kinds that a test of inference does not come by."""

import pytest

from mmvisx.apis.inference.outputs import OutputFolder


def test_short_names_keep_the_ending_where_they_would_meet(tmp_path):
    paths = ['x/a.jpg', 'x/a.png', 'x/b.png', 'y/a.png']
    folder = OutputFolder(tmp_path, paths, short=True)
    assert [folder.name(path) for path in paths] == ['a.jpg', 'a.png', 'b', 'a_2.png']


@pytest.mark.parametrize('short', [False, True])
def test_names_of_a_generator_s_images_never_meet(tmp_path, short):
    folder = OutputFolder(tmp_path, short=short)
    paths = ['x/a.jpg', 'y/a.jpg', 'z/a_2.jpg', 'u/a.jpg', 'x/a.png', 'a', 'y/a']
    found = [folder.name(path) for path in paths]
    assert len(set(found)) == len(paths)
    assert found[0] == ('a' if short else 'a.jpg')
