"""Tables of several seeds: means and spreads by hand, the same seeds compared, a curve."""

import json
from io import StringIO

import pytest
from PIL import Image
from rich.console import Console

from mmvisx.analysis import SeedTables
from mmvisx.cli.analysis.few_shot_seeds import main
from mmvisx.utils import UserError


def table(**rows):
    """Return results of draws with 1 sample: ``row=[(large, few), ...]``."""
    return [
        {'row': row, 'shots': 1, 'draw': i, 'large/top1': large, 'few/top1': few}
        for row, draws in rows.items()
        for i, (large, few) in enumerate(draws)
    ]


SEEDS = [
    table(a=[(50.0, 10.0), (60.0, 20.0)], b=[(50.0, 30.0)]),
    table(a=[(60.0, 20.0), (60.0, 14.0)], b=[(56.0, 32.0)]),
]


def printed(analysis, means):
    console = Console(width=120, file=StringIO())
    console.print(analysis.draw(means))
    return console.file.getvalue()


def test_means_over_draws_then_seeds():
    analysis = SeedTables(against='a')
    means = analysis.measure(SEEDS)
    assert means.values['a', 1].tolist() == [[55, 15], [60, 17]]
    text = printed(analysis, means)
    # Of 55 and 60, and of 15 and 17, the deviations are 5 / sqrt(2) and 2 / sqrt(2)
    assert '57.5 ± 3.5 / 16.0 ± 1.4' in text
    # b less a: -5 and -4, 15 and 15
    assert '-4.5 ± 0.7 / +15.0 ± 0.0' in text


def test_rows_of_some_numbers_of_samples_only():
    oracle = [dict(SEEDS[0][0], row='oracle', shots=15)]
    analysis = SeedTables()
    means = analysis.measure([SEEDS[0] + oracle])
    assert (means.rows, means.shots) == (['a', 'b', 'oracle'], [1, 15])
    assert '50.0 / 10.0' in printed(analysis, means)


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda: SeedTables().measure([SEEDS[0], SEEDS[1][:2]]), "table 2: row 'b' with 1"),
        (lambda: SeedTables('c').measure(SEEDS), "no row is called 'c'; there are: a, b"),
        (lambda: SeedTables().draw_curve(SeedTables().measure(SEEDS), ['c'], 'x.png'), "'c'"),
    ],
)
def test_tables_that_do_not_fit(make, message):
    with pytest.raises(UserError, match=message):
        make()


def test_command(tmp_path, monkeypatch, capsys):
    paths = [tmp_path / f'{i}.json' for i in range(2)]
    for path, results in zip(paths, SEEDS, strict=True):
        path.write_text(json.dumps(results))
    out = tmp_path / 'curve.png'
    argv = ['x', *map(str, paths), '--curve', 'a', 'b', '--out', str(out)]
    monkeypatch.setattr('sys.argv', argv)
    main()
    assert '57.5 ± 3.5 / 16.0 ± 1.4' in capsys.readouterr().out
    assert Image.open(out).size[0] > 300
    monkeypatch.setattr('sys.argv', ['x', str(tmp_path / 'none.json')])
    with pytest.raises(UserError, match=r'none\.json is no table'):
        main()
