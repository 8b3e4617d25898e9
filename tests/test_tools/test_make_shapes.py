import json

from mmvisx.cli.datasets.make_shapes import main


def test_makes_the_data_set_and_leaves_it_alone(tmp_path, capsys):
    arguments = ['--out', str(tmp_path / 'out'), '--train', '2', '--val', '1', '--size', '64']
    assert main([*arguments, '--seed', '3']) == 0
    assert '2 + 1 images' in capsys.readouterr().out
    meta = json.loads((tmp_path / 'out' / 'meta.json').read_text())
    assert meta['arguments'] == {
        'train': 2,
        'val': 1,
        'size': 64,
        'min_objects': 2,
        'max_objects': 6,
        'seed': 3,
    }
    assert main([*arguments, '--seed', '3']) == 0
    assert 'there already' in capsys.readouterr().out
    assert main([*arguments, '--seed', '4', '--force']) == 0
    assert json.loads((tmp_path / 'out' / 'meta.json').read_text())['arguments']['seed'] == 4
