"""Which checkpoint of a work dir a run goes on from."""

import os
import struct
import zipfile

import pytest
import torch

from mmvisx.engine.checkpoints import newest_intact, set_aside
from mmvisx.utils import UserError


@pytest.fixture
def save(tmp_path):
    """``save(name, epoch)`` writes a checkpoint as MMEngine does, four iterations an epoch."""

    def call(name, epoch, complete=True, folder=tmp_path):
        content = dict(
            meta=dict(epoch=epoch, iter=int(4 * epoch)), state_dict=dict(w=torch.ones(99))
        )
        if complete:
            content['optimizer'] = {}
        folder.mkdir(exist_ok=True)
        torch.save(content, folder / name)
        return folder / name

    return call


def flip(path, record):
    """Flip a bit in the content of a record of an archive."""
    with zipfile.ZipFile(path) as archive:
        info = next(i for i in archive.infolist() if i.filename.endswith(f'/{record}'))
    raw = bytearray(path.read_bytes())
    name, extra = struct.unpack_from('<HH', raw, info.header_offset + 26)
    raw[info.header_offset + 30 + name + extra + info.file_size // 2] ^= 1
    path.write_bytes(raw)


def point(folder, name):
    (folder / 'last_checkpoint').write_text(str(folder / name))


def test_the_pointer_names_the_newest(tmp_path, save):
    save('epoch_1.pth', 1)
    newest = save('epoch_2.pth', 2)
    save('best_acc_epoch_2.pth', 2, complete=False)
    point(tmp_path, 'epoch_2.pth')
    choice = newest_intact(tmp_path)
    assert (choice.path, choice.notes, choice.lost) == (newest, [], 0)


@pytest.mark.parametrize('text', [None, '', 'gone/epoch_7.pth'])
def test_without_a_pointer_the_newest_by_its_iterations(tmp_path, save, text):
    newest = save('epoch_10.pth', 10)
    save('epoch_9.pth', 9)  # younger as a file, as after a copy
    if text is not None:
        (tmp_path / 'last_checkpoint').write_text(text)
    choice = newest_intact(tmp_path)
    assert choice.path == newest
    assert choice.lost == 0
    assert 'gone/epoch_7.pth, which does not exist' in str(choice) if text else 'missing or empty'


def test_one_that_the_pointer_does_not_name_yet_is_the_newest(tmp_path, save):
    save('epoch_1.pth', 1)
    point(tmp_path, 'epoch_1.pth')
    os.utime(tmp_path / 'last_checkpoint', (1, 1))
    newest = save('iter_6.pth', 1.5)
    assert newest_intact(tmp_path).path == newest


def test_a_former_run_that_came_further_is_left_alone(tmp_path, save):
    os.utime(save('epoch_12.pth', 12), (1, 1))
    save('epoch_1.pth', 1)
    point(tmp_path, 'epoch_1.pth')
    assert newest_intact(tmp_path).path == tmp_path / 'epoch_1.pth'
    (tmp_path / 'epoch_1.pth').write_bytes(b'PK')
    with pytest.raises(UserError, match=r'epoch_1\.pth is cut off.*epoch_12\.pth is of a former'):
        newest_intact(tmp_path)


@pytest.mark.parametrize('record', ['data.pkl', 'data/0', 'version'])
def test_a_damaged_one_is_skipped_by_name_and_what_it_costs_is_said(tmp_path, save, record):
    earlier = save('epoch_2.pth', 2)
    flip(save('epoch_3.pth', 3), record)
    point(tmp_path, 'epoch_3.pth')
    choice = newest_intact(tmp_path)
    assert choice.path == earlier
    assert choice.lost == 4
    assert f'{tmp_path}/epoch_3.pth skipped, it is cut off or damaged' in str(choice)
    assert (f'record epoch_3/{record}' in str(choice)) == (record != 'data.pkl')
    assert str(choice).endswith(f'going on from {earlier}; 4 iterations are trained again')


def test_older_damage_is_not_mentioned(tmp_path, save):
    flip(save('epoch_1.pth', 1), 'data/0')
    save('epoch_2.pth', 2).write_bytes(save('epoch_3.pth', 3).read_bytes()[:500])
    point(tmp_path, 'epoch_3.pth')
    choice = newest_intact(tmp_path)
    assert (choice.path, choice.notes, choice.lost) == (tmp_path / 'epoch_3.pth', [], 0)


def test_a_work_dir_without_an_intact_one_is_not_started_anew(tmp_path, save):
    for number in (1, 2):
        flip(save(f'epoch_{number}.pth', number), 'data/0')
    save('best_acc_epoch_2.pth', 2, complete=False)
    words = r'holds checkpoints, but none.*epoch_2\.pth is cut off.*best_acc_epoch_2\.pth holds wei'
    with pytest.raises(UserError, match=words):
        newest_intact(tmp_path)


def test_weights_from_elsewhere_are_no_checkpoint_of_a_run(tmp_path, save):
    torch.save(dict(state_dict=dict(w=torch.ones(9))), tmp_path / 'resnet.pth')
    save('htc_r50_coco.pth', 12, complete=False)
    assert newest_intact(tmp_path).path is None


def test_checkpoints_in_another_folder(tmp_path, save):
    there = save('epoch_1.pth', 1, folder=tmp_path / 'there')
    assert newest_intact(tmp_path).path is None
    assert newest_intact(tmp_path, [tmp_path / 'there']).path == there
    (tmp_path / 'last_checkpoint').write_text(str(there))
    assert newest_intact(tmp_path).path == there


def test_former_checkpoints_are_set_aside_and_others_stay(tmp_path, save):
    assert set_aside(tmp_path) is None
    torch.save(dict(w=torch.ones(9)), tmp_path / 'resnet.pth')
    for count in (1, 2):
        save('epoch_1.pth', 1)
        save('best_acc_epoch_1.pth', 1, complete=False)
        point(tmp_path, 'epoch_1.pth')
        os.utime(tmp_path / 'epoch_1.pth', (2e9, 2e9))
        former = set_aside(tmp_path)
        assert sorted(os.listdir(former)) == [
            'best_acc_epoch_1.pth',
            'epoch_1.pth',
            'last_checkpoint',
        ]
        assert len(list(tmp_path.glob('former_*'))) == count
    assert newest_intact(tmp_path).path is None
    assert (tmp_path / 'resnet.pth').is_file()
