import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle_tools

from mmvisx.cli.panoptic.evaluate import main as evaluate
from mmvisx.cli.panoptic.merge import main as merge
from mmvisx.evaluation.panoptic.format import id_to_rgb, read_ids, rgb_to_id
from mmvisx.utils import UserError

CATEGORIES = [
    {'id': 1, 'name': 'person', 'isthing': 1, 'color': [220, 20, 60]},
    {'id': 187, 'name': 'sky-other-merged', 'isthing': 0, 'color': [70, 130, 180]},
]


@pytest.fixture
def inputs(tmp_path):
    """Write one image with two persons, one of them weak, and sky; returns the arguments."""
    person, weak = np.zeros((2, 100, 100), np.uint8)
    person[10:40, 10:40], weak[60:80, 60:80] = 1, 1
    results = []
    for inside, score in ((weak, 0.4), (person, 0.9)):
        rle = rle_tools.encode(np.asfortranarray(inside))
        rle['counts'] = rle['counts'].decode()
        results.append({'image_id': 3, 'category_id': 1, 'score': score, 'segmentation': rle})
    (tmp_path / 'things.json').write_text(json.dumps(results))
    labels = np.zeros((100, 100), np.uint8)
    labels[:60] = 1
    (tmp_path / 'stuff').mkdir()
    Image.fromarray(labels).save(tmp_path / 'stuff' / 'photo.png')
    image = {'id': 3, 'file_name': 'photo.jpg', 'height': 100, 'width': 100}
    content = {'images': [image], 'categories': CATEGORIES}
    (tmp_path / 'images.json').write_text(json.dumps(content))
    return [
        str(tmp_path / 'things.json'),
        '--semantic', str(tmp_path / 'stuff'),
        '--images', str(tmp_path / 'images.json'),
        '--out', str(tmp_path / 'out' / 'merged.json'),
    ]  # fmt: skip


def test_merges(inputs, tmp_path, capsys):
    assert merge([*inputs, '--contiguous']) == 0
    content = json.loads((tmp_path / 'out' / 'merged.json').read_text())
    assert content['categories'] == CATEGORIES
    (annotation,) = content['annotations']
    assert (annotation['image_id'], annotation['file_name']) == (3, 'photo.png')
    person, sky = annotation['segments_info']
    assert person == {
        'id': rgb_to_id(np.array([220, 20, 60])),
        'category_id': 1,
        'iscrowd': 0,
        'area': 900,
        'bbox': [10, 10, 30, 30],
    }
    assert (sky['category_id'], sky['area'], sky['bbox']) == (187, 5100, [0, 0, 100, 60])
    ids = read_ids(tmp_path / 'out' / 'merged' / 'photo.png', '')
    assert (ids[10:40, 10:40] == person['id']).all()
    assert ids[50, 50] == sky['id']
    assert (ids[60:] == 0).all()
    printed = capsys.readouterr().out
    assert '1 images, 1 things, 1 stuff segments' in printed
    assert 'left out: 1 below the score threshold' in printed


@pytest.mark.parametrize(
    ('extra', 'things', 'stuff'),
    [
        (['--contiguous', '--score-thr', '0.3'], 2, 1),
        (['--contiguous', '--stuff-area-limit', '6000'], 1, 0),
        ([], 1, 0),  # COCO-stuff's labels: 1 is the thing 2
    ],
)
def test_options(inputs, tmp_path, extra, things, stuff):
    merge([*inputs, *extra])
    content = json.loads((tmp_path / 'out' / 'merged.json').read_text())
    categories = [s['category_id'] for s in content['annotations'][0]['segments_info']]
    assert categories == [1] * things + [187] * stuff


def test_labels_by_name(inputs, tmp_path):
    (tmp_path / 'labels.json').write_text(json.dumps({'sky-other-merged': [0, 1]}))
    merge([*inputs, '--labels', str(tmp_path / 'labels.json'), '--out-dir', str(tmp_path / 'png')])
    content = json.loads((tmp_path / 'out' / 'merged.json').read_text())
    assert [s['area'] for s in content['annotations'][0]['segments_info']] == [900, 9100]
    assert (tmp_path / 'png' / 'photo.png').is_file()


def test_same_input_same_bytes(inputs, tmp_path):
    found = []
    for _ in range(2):
        merge([*inputs, '--contiguous'])
        paths = ('out/merged.json', 'out/merged/photo.png')
        found.append([(tmp_path / path).read_bytes() for path in paths])
    assert found[0] == found[1]


def test_name_of_the_output(inputs):
    with pytest.raises(UserError, match=r'merged: the name must end in \.json'):
        merge([*inputs[:-1], inputs[-1].removesuffix('.json')])


def test_labels_are_for_folders(inputs, tmp_path):
    inputs[2] = str(tmp_path / 'nowhere')
    with pytest.raises(UserError, match=r'nowhere is no folder of label maps'):
        merge([*inputs, '--contiguous'])


def test_scores(inputs, tmp_path, capsys):
    merge([*inputs, '--contiguous'])
    truth = np.zeros((100, 100), np.int32)
    truth[:60], truth[10:40, 10:40], truth[60:80, 60:80] = 5, 6, 7
    (tmp_path / 'maps').mkdir()
    Image.fromarray(id_to_rgb(truth)).save(tmp_path / 'maps' / 'truth.png')
    segments = [{'id': k, 'category_id': c, 'iscrowd': 0} for k, c in ((5, 187), (6, 1), (7, 1))]
    annotation = {'image_id': 3, 'file_name': 'truth.png', 'segments_info': segments}
    content = {'annotations': [annotation], 'categories': CATEGORIES}
    (tmp_path / 'truth.json').write_text(json.dumps(content))
    arguments = [inputs[-1], str(tmp_path / 'truth.json'), '--gt-dir', str(tmp_path / 'maps')]
    assert evaluate([*arguments, '--out', str(tmp_path / 'pq' / 'pq.json')]) == 0
    assert '| person           | thing | 1  | 0  | 1  | 0.667 | 1.000 | 0.667 |' in (
        capsys.readouterr().out
    )
    metrics = json.loads((tmp_path / 'pq' / 'pq.json').read_text())
    assert (metrics['PQ_st'], metrics['PQ_th']) == (1, pytest.approx(2 / 3))


def test_a_kind_that_does_not_occur_is_null(inputs, tmp_path):
    merge([*inputs, '--contiguous', '--stuff-area-limit', '6000'])
    evaluate([inputs[-1], inputs[-1], '--out', str(tmp_path / 'pq.json')])
    metrics = json.loads((tmp_path / 'pq.json').read_text())
    assert (metrics['PQ_th'], metrics['PQ_st']) == (1, None)


@pytest.mark.realdata
def test_real_sample_comes_back_from_its_parts(realdata, tmp_path):
    root = realdata / 'panoptic_sample'
    parts = str(root / 'panoptic_coco_detection_format.json')
    merge(
        [parts, '--semantic', parts, '--images', str(root / 'images_info_examples.json'),
         '--out', str(tmp_path / 'merged.json')]
    )  # fmt: skip
    merged = json.loads((tmp_path / 'merged.json').read_text())
    truth = json.loads((root / 'panoptic_examples.json').read_text())
    assert len(merged['annotations']) == len(truth['annotations']) == 2
    for found, wanted in zip(merged['annotations'], truth['annotations'], strict=True):
        assert (found['image_id'], found['file_name']) == (wanted['image_id'], wanted['file_name'])
        ids = read_ids(tmp_path / 'merged' / found['file_name'], '')
        true_ids = read_ids(root / 'panoptic_examples' / wanted['file_name'], '')
        by_pixels = {(ids == s['id']).tobytes(): s for s in found['segments_info']}
        assert len(by_pixels) == len(wanted['segments_info'])
        for segment in wanted['segments_info']:
            ours = by_pixels[(true_ids == segment['id']).tobytes()]
            for key in ('category_id', 'iscrowd', 'area', 'bbox'):
                assert ours[key] == segment[key]
    evaluate(
        [str(tmp_path / 'merged.json'), str(root / 'panoptic_examples.json'),
         '--out', str(tmp_path / 'pq.json')]
    )  # fmt: skip
    assert set(json.loads((tmp_path / 'pq.json').read_text()).values()) == {1.0}
