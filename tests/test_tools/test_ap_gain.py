import json


def test_prints_and_draws(tool, tmp_path, capsys):
    for name, cat in (('a', 0.25), ('b', 0.5)):
        content = {'coco/bbox_AP_cat': cat, 'coco/bbox_AP_dog': 0.75 - cat}
        (tmp_path / f'{name}.json').write_text(json.dumps(content))
    files = [tmp_path / 'a.json', tmp_path / 'b.json']
    written = ['--out', tmp_path / 'c.png', '--json', tmp_path / 'c.json']
    tool('tools/analysis/ap_gain.py', *files, *written, '--names', 'plain', 'mixup')
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ['cat: 0.250 -> 0.500 (+0.250)', 'dog: 0.500 -> 0.250 (-0.250)']
    assert lines[2].startswith('mean 0.375 -> 0.375 (+0.000); 1 classes gain, 1 drop')
    assert (tmp_path / 'c.png').stat().st_size > 1000
    assert json.loads((tmp_path / 'c.json').read_text())['gained'] == 1
