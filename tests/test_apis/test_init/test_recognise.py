"""Which format data are taken for, and what is said where it is not clear."""

import json

import cv2
import numpy as np
import pytest

from mmvisx.apis.init.recognise import recognise
from mmvisx.utils import UserError
from tests.helpers import own_data


@pytest.mark.parametrize('kind', own_data.WRITERS)
def test_each_format_is_recognised(tmp_path, kind):
    data = recognise(own_data.WRITERS[kind](tmp_path / 'mine'))
    assert data.name == kind
    assert set(data.parts) == {'train'}
    classes = data.read_classes()
    assert classes == (('class_0', 'class_1', 'class_2') if kind == 'masks' else own_data.CLASSES)
    data.classes = classes
    assert len(data.names(data.parts['train'])) == (12 if kind == 'folders' else 6)
    assert data.check(data.parts['train']).faults == 0


def test_parts_of_coco_by_their_names(tmp_path):
    root = own_data.coco(tmp_path / 'mine', 4, 'instances_train.json')
    own_data.coco(root, 2, 'instances_val.json', first=4)
    data = recognise(root)
    assert {k: part.labels.name for k, part in data.parts.items()} == {
        'train': 'instances_train.json', 'val': 'instances_val.json'}  # fmt: skip


def test_of_two_coco_files_the_one_without_images_of_the_validation(tmp_path):
    root = own_data.coco(tmp_path / 'mine', 6, 'instances_train_all.json')
    own_data.coco(root, 4, 'instances_train_most.json')
    own_data.coco(root, 2, 'instances_val.json', first=4)
    assert recognise(root).parts['train'].labels.name == 'instances_train_most.json'


def test_roboflow_layout(tmp_path):
    for part, first in (('train', 0), ('valid', 4)):
        root = own_data.coco(tmp_path / part, 2, '_annotations.coco.json', first)
        for image in (root / 'images').iterdir():
            image.rename(root / image.name)
    parts = recognise(tmp_path).parts
    assert {k: part.images.name for k, part in parts.items()} == {'train': 'train', 'val': 'valid'}


def test_one_of_several_coco_files_has_to_be_named(tmp_path):
    root = own_data.coco(tmp_path / 'mine', 3, 'a.json')
    own_data.coco(root, 3, 'b.json')
    with pytest.raises(
        UserError, match=r'2 COCO files could be the train part: .*a.json, .*b.json'
    ):
        recognise(root)
    assert recognise(root / 'b.json').parts['train'].labels.name == 'b.json'


def test_images_of_a_coco_file_that_are_not_there(tmp_path):
    root = own_data.coco(tmp_path / 'mine')
    content = json.loads((root / 'instances.json').read_text())
    for image in content['images']:
        image['file_name'] = 'elsewhere_' + image['file_name']
    (root / 'instances.json').write_text(json.dumps(content))
    with pytest.raises(UserError, match=r'names images such as elsewhere_0.jpg, but no folder'):
        recognise(root)


def test_yolo_without_yaml_and_names(tmp_path):
    data = recognise(own_data.yolo(tmp_path / 'mine', yaml=False))
    assert data.name == 'yolo'
    assert data.read_classes() == ('class_0', 'class_1')
    (tmp_path / 'mine' / 'classes.txt').write_text('sky\nsea\n')
    assert data.read_classes() == ('sky', 'sea')


def test_yolo_folders_by_part(tmp_path):
    for part in ('train', 'valid'):
        own_data.yolo(tmp_path / 'x', 2, yaml=False)
        for kind in ('images', 'labels'):
            target = tmp_path / 'mine' / part / kind
            target.parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / 'x' / kind / 'train').rename(target)
    assert set(recognise(tmp_path / 'mine').parts) == {'train', 'val'}


def test_masks_by_palette_without_a_telling_name(tmp_path):
    root = own_data.masks(tmp_path / 'mine')
    (root / 'masks').rename(root / 'numbers')
    with pytest.raises(UserError, match='no data of a known format'):
        recognise(root)
    from PIL import Image

    for path in (root / 'numbers').iterdir():
        image = Image.open(path).convert('P')
        image.save(path)
    assert recognise(root).name == 'masks'


def test_masks_beside_their_images(tmp_path):
    for k in range(3):
        own_data.write_image(tmp_path / 'mine' / f'{k}.jpg', k)
        from PIL import Image

        image = Image.fromarray(np.full((48, 64), k % 2, np.uint8)).convert('P')
        image.save(tmp_path / 'mine' / f'{k}.png')
    data = recognise(tmp_path / 'mine')
    assert (data.name, len(data.names(data.parts['train']))) == ('masks', 3)


@pytest.mark.parametrize('ending', ['.png', '.PNG'])
def test_grey_masks_beside_their_images(tmp_path, ending):
    root = own_data.masks(tmp_path / 'mine', 4)
    together = tmp_path / 'photographs'
    (root / 'images').rename(together)
    for path in (root / 'masks').iterdir():
        path.rename(together / f'{path.stem}{ending}')
    data = recognise(together)
    assert (data.name, data.names(data.parts['train'])) == ('masks', [f'{k}.jpg' for k in range(4)])


def test_masks_of_other_names_than_the_images_are_explained(tmp_path):
    root = own_data.masks(tmp_path / 'mine')
    for path in (root / 'masks').iterdir():
        path.rename(path.with_name(f'{path.stem}_mask.png'))
    with pytest.raises(UserError, match=r'masks/0_mask\.png may be a label map, but no image has'):
        recognise(root)


def test_yaml_of_a_run_is_no_data_yaml(tmp_path):
    root = own_data.yolo(tmp_path / 'mine')
    (root / 'runs').mkdir()
    (root / 'runs/args.yaml').write_text('names: exp\nepochs: 3\n')
    assert recognise(root).parts['train'].labels == root / 'data.yaml'


def test_masks_in_colours_are_explained(tmp_path):
    root = own_data.masks(tmp_path / 'mine')
    for path in (root / 'masks').iterdir():
        cv2.imwrite(str(path), own_data.picture(0))
    with pytest.raises(UserError, match=r'PNGs of .*masks have several channels'):
        recognise(root)


def test_test_part_stands_in_for_validation(tmp_path):
    for part in ('train', 'test'):
        own_data.folders(tmp_path / 'mine' / part)
    parts = recognise(tmp_path / 'mine').parts
    assert {k: part.images.name for k, part in parts.items()} == {'train': 'train', 'val': 'test'}


def test_several_formats_are_listed_and_one_can_be_chosen(tmp_path):
    root = own_data.coco(tmp_path / 'mine')
    own_data.masks(tmp_path / 'mine')
    with pytest.raises(UserError) as error:
        recognise(root)
    text = str(error.value)
    assert 'data of 2 formats: coco (instances.json' in text
    assert 'masks (6 images of images have PNGs' in text
    assert '6 x .jpg (images/0.jpg)' in text
    assert '--format coco or --format masks' in text
    assert recognise(root, 'masks').name == 'masks'
    with pytest.raises(UserError, match=r'--format voc: .* has no such data; it has 6 x .jpg'):
        recognise(root, 'voc')
    with pytest.raises(UserError, match=r'--format mask \(did you mean masks\?\)'):
        recognise(root, 'mask')


def test_images_without_annotations(tmp_path):
    for k in range(3):
        own_data.write_image(tmp_path / 'mine' / 'images' / f'{k}.jpg', k)
    with pytest.raises(UserError, match=r'put annotations beside the images.*3 x .jpg'):
        recognise(tmp_path / 'mine')


def test_files_without_an_image(tmp_path):
    (tmp_path / 'notes.txt').write_text('nothing')
    with pytest.raises(UserError, match=r'there is no image. There are 1 x .txt \(notes.txt\)'):
        recognise(tmp_path)


def test_xml_in_another_layout_is_sent_to_the_converter(tmp_path):
    own_data.write_image(tmp_path / '0.jpg', 0)
    (tmp_path / '0.xml').write_text('<annotation/>')
    with pytest.raises(UserError, match='mmvisx dataset xml-to-voc'):
        recognise(tmp_path)


def test_folders_of_whole_data_sets_are_no_classes(tmp_path):
    for name in ('few', 'many'):
        own_data.folders(tmp_path / 'mine' / name / 'train')
    with pytest.raises(UserError, match='no data of a known format'):
        recognise(tmp_path / 'mine')
    assert recognise(tmp_path / 'mine' / 'few').name == 'folders'


def test_one_class_folder_is_no_task(tmp_path):
    own_data.folders(tmp_path / 'mine')
    for path in (tmp_path / 'mine' / 'red').iterdir():
        path.unlink()
    (tmp_path / 'mine' / 'red').rmdir()
    with pytest.raises(UserError, match=r'one class folder only, blue: a classifier needs two'):
        recognise(tmp_path / 'mine')


def test_a_file_that_is_no_annotation(tmp_path):
    (tmp_path / 'a.json').write_text('{}')
    with pytest.raises(UserError, match=r'no folder, no COCO instances JSON and no data.yaml'):
        recognise(tmp_path / 'a.json')
