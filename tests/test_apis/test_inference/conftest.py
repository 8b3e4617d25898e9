"""An inferencer of each task."""

import pytest

from mmvisx.apis import inferencer_for
from tests.helpers.inferencers import TASKS, write_images, write_model


@pytest.fixture(scope='module', params=TASKS)
def task(request):
    return request.param


@pytest.fixture(scope='module')
def files(task, tmp_path_factory):
    return write_model(task, tmp_path_factory.mktemp(task))


@pytest.fixture(scope='module')
def inferencer(files):
    return inferencer_for(*files, 'cpu', show_progress=False)


@pytest.fixture
def broken(tmp_path):
    """Five files: the second is no image, the fourth is cut off."""
    folder = write_images(tmp_path / 'photos', ['a.png', 'b.png', 'c.png', 'd.png', 'e.png'])
    (folder / 'b.png').write_text('no image')
    (folder / 'd.png').write_bytes((folder / 'd.png').read_bytes()[:90])
    return folder
