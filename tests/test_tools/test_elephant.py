import json

import cv2
import pytest

from mmvisx.utils import UserError
from tests.test_analysis.test_detection_elephant import PATCH, ColourDetector, room  # noqa: F401


def test_writes_and_recomputes(tool, room, tmp_path, monkeypatch, capsys):  # noqa: F811
    monkeypatch.setattr('mmvisx.apis.Inferencer', ColourDetector)
    cv2.imwrite(str(tmp_path / 'room.png'), room)
    cv2.imwrite(str(tmp_path / 'patch.png'), PATCH[0])
    out = tmp_path / 'out'
    arguments = ['run', 'config.py', 'model.pth', tmp_path / 'room.png', '--patch']
    arguments += [tmp_path / 'patch.png', '--steps', 4, '--out-dir', out, '--path']
    tool('tools/analysis/elephant.py', *arguments, '0,0.9', '1,0.9')
    first = capsys.readouterr().out
    assert 'green 1.000: visible 4, kept 0, lost 0, flipped 4 (4 x red)' in first
    assert {p.name for p in out.iterdir()} == {
        'elephant.json',
        'strip.png',
        'video.mp4',
        'scores.png',
    }
    tool('tools/analysis/elephant.py', 'report', out / 'elephant.json')
    again = capsys.readouterr().out.splitlines()
    assert again[1:] == first.splitlines()[1:-1]

    record = json.loads((out / 'elephant.json').read_text())
    record['report']['total']['kept'] = 1.0
    (out / 'elephant.json').write_text(json.dumps(record))
    with pytest.raises(UserError, match='its detections say otherwise'):
        tool('tools/analysis/elephant.py', 'report', out / 'elephant.json')
    with pytest.raises(UserError, match=r'--path 0;1 1,1: write points as X,Y'):
        tool('tools/analysis/elephant.py', *arguments, '0;1', '1,1')
