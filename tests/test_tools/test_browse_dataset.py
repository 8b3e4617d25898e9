import cv2
import numpy as np
import pytest
from mmengine.config import Config

from mmvisx.utils import UserError
from tests.helpers.vip_deeplab_clips import frame, write_clips


def test_writes_pictures(tool, tiny_config, tiny_coco, tmp_path, capsys):
    arguments = [tiny_config, '--out-dir', tmp_path, '--count', 2]
    arguments += ['--cfg-options', f'data_root={tiny_coco}']
    tool('tools/analysis/browse_dataset.py', *arguments)
    assert 'wrote 2 pictures' in capsys.readouterr().out
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name[:7] for name in names] == ['000000_', '000001_']
    assert cv2.imread(str(tmp_path / names[0])).std() > 0


def test_bad_count(tool, tiny_config):
    with pytest.raises(UserError, match='--count 0'):
        tool('tools/analysis/browse_dataset.py', tiny_config, '--count', 0)


def test_pairs_of_frames(tool, tmp_path, capsys):
    clips = write_clips(tmp_path / 'clips')
    pipeline = [dict(type='mmvisx.LoadPanopticFrames'), dict(type='mmvisx.PackPanopticFrames')]
    dataset = dict(type='mmvisx.DVPSDataset', pipeline=pipeline, **clips)
    Config(dict(train_dataloader=dict(dataset=dataset))).dump(tmp_path / 'config.py')
    arguments = [tmp_path / 'config.py', '--out-dir', tmp_path / 'out', '--count', 9]
    tool('tools/analysis/browse_dataset.py', *arguments)
    assert 'wrote 4 pictures' in capsys.readouterr().out
    names = sorted(path.name for path in (tmp_path / 'out').iterdir())
    assert names[3] == '000003_000001_000001_shapes_leftImg8bit.png'
    picture = cv2.imread(str(tmp_path / 'out' / names[3]))[: 2 * 12 * 16 : 16, : 20 * 16 : 16]
    assert np.array_equal(picture, np.concatenate([frame(1, 1)[0], frame(1, 2)[0]]))
