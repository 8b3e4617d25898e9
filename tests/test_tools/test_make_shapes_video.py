import json

from mmvisx.cli.datasets.make_shapes_video import main


def test_makes_the_clips_and_leaves_them_alone(tmp_path, capsys):
    arguments = ['--out', str(tmp_path / 'out'), '--train', '1', '--val', '0', '--frames', '2']
    arguments += ['--size', '64', '64', '--motion', '0.2', '0.4', '--layout', 'semkitti']
    assert main(arguments) == 0
    assert '1 + 0 clips' in capsys.readouterr().out
    meta = json.loads((tmp_path / 'out' / 'meta.json').read_text())
    assert meta['arguments']['motion'] == [0.2, 0.4]
    assert meta['classes'][:4] == meta['thing_classes']
    assert main(arguments) == 0
    assert 'there already' in capsys.readouterr().out
    assert main([*arguments, '--seed', '4', '--force']) == 0
    assert json.loads((tmp_path / 'out' / 'meta.json').read_text())['arguments']['seed'] == 4
