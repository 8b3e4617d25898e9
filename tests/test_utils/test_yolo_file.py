"""YOLO's files: what a line means, and what is wrong with a faulty one or a data.yaml."""

import pytest

from mmvisx.utils import UserError
from mmvisx.utils.yolo_file import label_path, parse_line, read_labels, read_yolo

NAMES = ('cat', 'dog')
GOOD = 'train: images/train\nnames: [cat, dog]\n'


def write(folder, text, name='data.yaml'):
    (folder / 'images' / 'train').mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def test_five_numbers_are_a_box():
    # Centre (0.5, 0.4), size (0.2, 0.6): by hand.
    item = parse_line('1 0.5 0.4 0.2 0.6', NAMES)
    assert item.index == 1
    assert item.box == pytest.approx((0.4, 0.1, 0.6, 0.7))
    assert item.polygon == ()


def test_seven_numbers_are_a_triangle():
    item = parse_line('0 0.1 0.2 0.5 0.3 0.4 0.9', NAMES)
    assert item.box == (0.1, 0.2, 0.5, 0.9)
    assert item.polygon == (0.1, 0.2, 0.5, 0.3, 0.4, 0.9)


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('0 0.5 0.5 0.2', r'4 numbers.*should be 5'),
        ('0 0.5 0.5 0.2 0.2 0.9', r'6 numbers.*confidence'),
        ('0 0.1 0.1 0.2 0.1 0.2 0.2 0.1', r'8 numbers.*3 or more points'),
        ('0', r'1 numbers.*should be 5'),
        ('0 0.5 0.5 1.2 0.2', r'1\.2 is not from 0 to 1.*divide pixels'),
        ('0 0.5 -0.1 0.2 0.2', r'-0\.1 is not from 0 to 1'),
        ('0 320 240 50 50', r'320 is not from 0 to 1'),
        ('0 0.5 nan 0.2 0.2', r'nan is not from 0 to 1'),
        ('0 0.5 inf 0.2 0.2', r'inf is not from 0 to 1'),
        ('0 0.1 0.1 0.2 0.1 0.2 nan', r'nan is not from 0 to 1'),
        ('2 0.5 0.5 0.2 0.2', r'class 2 is not from 0 to 1.*2 names'),
        ('-1 0.5 0.5 0.2 0.2', r'class -1 is not from 0 to 1'),
        ('0.5 0.5 0.5 0.2 0.2', r'class 0\.5 is no whole number'),
        ('nan 0.5 0.5 0.2 0.2', r'class nan is no whole number'),
        ('cat 0.5 0.5 0.2 0.2', r"'cat'.*labels are numbers"),
        ('0,0.5,0.5,0.2,0.2', r'1 numbers'),
    ],
)
def test_faulty_line(tmp_path, line, message):
    path = tmp_path / '1.txt'
    path.write_text(f'0 0.5 0.5 0.2 0.2\n\n{line}\n')
    with pytest.raises(UserError, match=rf'1\.txt, line 3: .*{message}') as caught:
        read_labels(path, NAMES)
    assert '\n' not in str(caught.value)


def test_rounded_edges_are_no_fault():
    assert parse_line('0 0.5 0.5 1.000001 1', NAMES).box[2] == pytest.approx(1, abs=1e-5)


def test_no_objects(tmp_path):
    assert read_labels(tmp_path / 'none.txt', NAMES) is None
    (tmp_path / 'empty.txt').write_text('\n \n')
    assert read_labels(tmp_path / 'empty.txt', NAMES) == []


def test_labels_that_are_no_text(tmp_path):
    path = tmp_path / '1.txt'
    path.write_bytes(b'\xff\xfe\x00\xd8')
    with pytest.raises(UserError, match=r'1\.txt cannot be read'):
        read_labels(path, NAMES)


@pytest.mark.parametrize(
    ('image', 'labels'),
    [
        ('data/images/train/a.b.jpg', 'data/labels/train/a.b.txt'),
        ('data/images/x/images/a.PNG', 'data/images/x/labels/a.txt'),
        ('images/a.jpg', 'labels/a.txt'),
        ('data/train/a.jpg', 'data/train/a.txt'),
        ('data/images.jpg', 'data/images.txt'),
    ],
)
def test_last_images_becomes_labels(tmp_path, image, labels):
    assert label_path(tmp_path / image) == tmp_path / labels


@pytest.mark.parametrize(
    'names', ['[cat, dog]', '{0: cat, 1: dog}', '{1: dog, 0: cat}', "{'0': cat, '1': dog}"]
)
def test_names(tmp_path, names):
    data = read_yolo(write(tmp_path, f'train: images/train\nnames: {names}\n'))
    assert data.names == NAMES
    assert data.splits == {'train': [tmp_path / 'images/train']}


def test_numbers_are_names(tmp_path):
    names = ''.join(f'- {k}\n' for k in range(11))
    data = read_yolo(write(tmp_path, f'train: images/train\nnames:\n{names}'))
    assert data.names == tuple(map(str, range(11)))


def test_more_than_ten_names_in_a_dict_keep_their_numbers(tmp_path):
    names = ', '.join(f'{k}: n{k}' for k in range(12))
    data = read_yolo(write(tmp_path, f'train: images/train\nnames: {{{names}}}\n'))
    assert (data.names[2], data.names[11]) == ('n2', 'n11')


@pytest.mark.parametrize('value', ['', '.', '{root}', '../{name}', 'moved/elsewhere'])
def test_path(tmp_path, value):
    value = value.format(root=tmp_path, name=tmp_path.name)
    data = read_yolo(write(tmp_path, f'path: {value}\n{GOOD}'))
    assert [p.resolve() for p in data.splits['train']] == [tmp_path / 'images/train']


def test_path_where_the_command_runs(tmp_path, monkeypatch):
    (tmp_path / 'there/images').mkdir(parents=True)
    (tmp_path / 'yaml').mkdir()
    path = tmp_path / 'yaml/data.yaml'
    path.write_text('path: there\ntrain: images\nnames: [cat]\n')
    monkeypatch.chdir(tmp_path)
    assert read_yolo(path).splits['train'][0].resolve() == tmp_path / 'there/images'


def test_roboflow_goes_up_without_need(tmp_path):
    (tmp_path / 'train/images').mkdir(parents=True)
    path = write(tmp_path, 'train: ../train/images\nnames: [cat]\n')
    assert read_yolo(path).splits['train'] == [tmp_path / 'train/images']


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('names: [cat\ntrain: x', r'line \d+ is no valid YAML'),
        (f'{GOOD}x: !!python/object/apply:os.system ["touch hit"]\n', r'line 3 is no.*no.* tag'),
        (f'{GOOD}x: !!python/object:os.path\n', r'is no valid YAML.*none is executed'),
        ('', r'should hold keys and values'),
        ('- a\n- b\n', r'should hold keys and values'),
        ('train: images/train\n', r'has no names: add the classes'),
        ('train: images/train\nname: [cat]\n', r'has no names \(did you mean name\?\)'),
        ('train: images/train\nnames: cat\n', r'names should be a list'),
        ('train: images/train\nnames: []\n', r'names should be a list'),
        ('train: images/train\nnames: [no, yes]\n', r'name 0 is a bool.*quotes'),
        ('train: images/train\nnames: [cat, [a]]\n', r'name 1 is a list'),
        ('train: images/train\nnames: [cat, cat]\n', r"'cat' stands twice"),
        ('train: images/train\nnames: {1: cat, 2: dog}\n', r'keys of names.*0 to 1'),
        ('train: images/train\nnames: {a: cat}\n', r'keys of names'),
        ('train: images/train\nnames: [cat, dog]\nnc: 3\n', r'nc differs.* 2'),
        ('names: [cat, dog]\n', r'none of the keys train, val, test'),
        ('trian: images/train\nnames: [cat]\n', r'none of the keys.*did you mean trian'),
        ('train: 3\nnames: [cat]\n', r'train should be a folder'),
        ('train: []\nnames: [cat]\n', r'train should be a folder'),
        ('train: images/trian\nnames: [cat]\n', r'train: images/trian: .* does not exist'),
        (
            f'path: nowhere\n{GOOD.replace("images/", "imgs/")}',
            r'path: nowhere: there is no folder',
        ),
        (f'path: [a]\n{GOOD}', r'path should be a folder'),
        (f'{GOOD}kpt_shape: [17, 3]\n', r'keypoints are not read'),
    ],
)
def test_broken_yaml(tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=rf'data\.yaml.*{message}') as caught:
        read_yolo(write(tmp_path, text))
    assert '\n' not in str(caught.value)
    assert not (tmp_path / 'hit').exists()


def test_yaml_bomb(tmp_path):
    levels = ''.join(f'a{k}: &a{k} [{", ".join([f"*a{k - 1}"] * 9)}]\n' for k in range(1, 12))
    text = f'a0: &a0 [lol]\n{levels}train: images/train\nnames: *a11\n'
    with pytest.raises(UserError, match='name 0 is a list'):
        read_yolo(write(tmp_path, text))


def test_deep_yaml(tmp_path):
    with pytest.raises(UserError, match='cannot be read as YAML'):
        read_yolo(write(tmp_path, f'names: {"[" * 5000}'))


def test_missing_yaml(tmp_path):
    with pytest.raises(UserError, match=r'data\.yaml does not exist: check ann_file'):
        read_yolo(tmp_path / 'data.yaml')
