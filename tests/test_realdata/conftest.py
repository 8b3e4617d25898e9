"""Data sets cut out of the real images, and the tools as their users start them."""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from mmvisx.datasets.panoptic.annotations import panoptic_to_stuff

IMAGES = 16
MAX_OBJECTS = 8
LONG_EDGE = 256
MIN_SIDE = 16


def choose_images(instances: dict, with_stuff: set[int]) -> list[dict]:
    """Return the first 16 images by id with 1 to 8 objects that a nano detector can see.

    None is a crowd, each is at least 16 pixels wide and high when the image's long edge is
    256, and there is a panoptic map for the image.
    """
    objects = defaultdict(list)
    for annotation in instances['annotations']:
        objects[annotation['image_id']].append(annotation)
    chosen = []
    for image in sorted(instances['images'], key=lambda item: item['id']):
        found = objects[image['id']]
        scale = LONG_EDGE / max(image['width'], image['height'])
        fits = all(not a['iscrowd'] and min(a['bbox'][2:]) * scale >= MIN_SIDE for a in found)
        if fits and 1 <= len(found) <= MAX_OBJECTS and image['id'] in with_stuff:
            chosen.append(image)
    return chosen[:IMAGES]


@pytest.fixture(scope='session')
def coco16(realdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 photographs of COCO in the layout that ``htc_rfp_sac_nano_coco16.py`` reads."""
    folder = tmp_path_factory.mktemp('coco16')
    source = realdata / 'coco128'
    instances = json.loads((source / 'annotations' / 'instances_train2017.json').read_text())
    panoptic = json.loads((source / 'annotations' / 'panoptic_train2017.json').read_text())
    images = choose_images(instances, {item['image_id'] for item in panoptic['annotations']})
    assert len(images) == IMAGES
    ids = {image['id'] for image in images}
    for content in (instances, panoptic):
        content['annotations'] = [a for a in content['annotations'] if a['image_id'] in ids]
    instances['images'] = images
    (folder / 'instances.json').write_text(json.dumps(instances))
    (folder / 'panoptic.json').write_text(json.dumps(panoptic))
    (folder / 'images').symlink_to(source / 'train2017')
    panoptic_to_stuff(
        folder / 'panoptic.json',
        source / 'annotations' / 'panoptic_train2017',
        folder / 'stuffthingmaps',
    )
    return folder


@pytest.fixture(scope='session')
def script(repo: Path) -> Callable[..., str]:
    """``script(path, *arguments)`` runs a tool as a user does and returns what it printed."""

    def call(path: str, *arguments: object) -> str:
        run = subprocess.run(
            [sys.executable, path, *map(str, arguments)],
            cwd=repo,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr[-3000:]
        return run.stdout

    return call
