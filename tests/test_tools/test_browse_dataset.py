import cv2
import pytest

from mmvisx.utils import UserError


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
