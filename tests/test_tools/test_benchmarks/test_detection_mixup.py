import json

from tools.benchmarks import detection_mixup as benchmark


def test_times_every_way_and_keeps_what_the_file_has(tiny_coco, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(benchmark, 'SCALES', ((32, 32),))
    out = tmp_path / 'new' / 'numbers.json'
    text = (tiny_coco / 'instances.json').read_text()
    (tmp_path / 'coco.json').write_text(text.replace('"box"', '"person"'))
    data = ['--data-root', str(tiny_coco), '--ann-file', str(tmp_path / 'coco.json')]
    data += ['--img', 'images/']
    for more in ([], ['--masks']):
        benchmark.main([*data, '--rounds', '2', '--samples', '3', '--out', str(out), *more])
    content = json.loads(out.read_text())
    assert set(content) == {'CocoDataset', 'CocoDataset with masks'}
    (result,) = content['CocoDataset']['results']
    assert result['scale'] == [32, 32]
    assert all(value > 0 for value in result['milliseconds'].values())
    assert set(result['times_the_plain_pipeline']) == set(benchmark.WAYS) - {'plain'}
    assert 'mixup_with_cache' in capsys.readouterr().out
