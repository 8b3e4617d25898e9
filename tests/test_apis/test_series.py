"""Series of trainings: what is trained, resumed, skipped; the table's mean and spread."""

import json
import sys
from functools import partial
from pathlib import Path

import pytest
from mmengine.config import Config

from mmvisx.apis import series_run
from mmvisx.apis.series import Row, Series, load_series
from mmvisx.apis.series_run import run_series
from mmvisx.apis.series_table import make_table
from mmvisx.cli.run_series import main
from mmvisx.utils import UserError

# Stands for tools/train.py: "trains" to an accuracy made of the config, or fails.
TRAIN = """
import json, sys
from pathlib import Path
from mmengine.config import Config
cfg, work = Config.fromfile(sys.argv[1]), Path(sys.argv[3])
if cfg.model.width == 13 and not (work / 'mended').exists():
    raise RuntimeError('no luck')
calls = work / 'calls.txt'
calls.write_text((calls.read_text() if calls.exists() else '') + ' '.join(sys.argv[4:]) + '.')
log = work / 'now/vis_data/scalars.json'
log.parent.mkdir(parents=True, exist_ok=True)
lines = [dict(loss=9.0, iter=1, epoch=1, step=1), {'accuracy/top1': 1.0, 'step': 1},
         dict(loss=2.0, iter=2, epoch=2, step=2),
         {'accuracy/top1': 10.0 * cfg.model.width + cfg.randomness.seed, 'step': 2}]
log.write_text('\\n'.join(map(json.dumps, lines)))
"""


@pytest.fixture
def place(tmp_path):
    """A folder with a config, a series of two rows and a script that stands for training."""
    (tmp_path / 'base.py').write_text('model = dict(width=2)\n')
    (tmp_path / 'train.py').write_text(TRAIN)
    (tmp_path / 'series.py').write_text(
        f'config = {str(tmp_path / "base.py")!r}\n'
        "rows = {'Plain': dict(config=config),\n"
        "        'Wide': dict(config=config, options={'model.width': 5})}\n"
        "metrics = {'accuracy/top1': 'top-1', 'loss': 'loss'}\n"
    )
    return tmp_path


def run(place: Path, series=None, **kwargs):
    series = series or load_series(place / 'series.py')
    return run_series(
        series, place / 'work', train_command=(sys.executable, str(place / 'train.py')), **kwargs
    )


@pytest.mark.parametrize('jobs', [1, 2])
def test_every_row_with_every_seed(place, jobs):
    results = run(place, jobs=jobs)
    assert [(r['row'], r['seed']) for r in results] == [
        (row, seed) for seed in (0, 1, 2) for row in ('Plain', 'Wide')
    ]
    found = [r['metrics']['accuracy/top1'] for r in results]
    assert found == [20, 50, 21, 51, 22, 52]
    cfg = Config.fromfile(place / 'work/wide/seed_2/run.py')
    assert (cfg.model.width, cfg.randomness.seed) == (5, 2)
    written = json.loads((place / 'work/results.json').read_text())
    assert [r['metrics']['loss'] for r in written['runs']] == [2.0] * 6
    # the mean and the sample standard deviation of 20, 21, 22 and of 50, 51, 52
    table = (place / 'work/table.md').read_text()
    assert '| Plain | 21.00 ± 1.00 | 2.00 ± 0.00 |' in table
    assert '| Wide | 51.00 ± 1.00 | 2.00 ± 0.00 |' in table


def test_finished_runs_are_kept_and_changed_ones_start_anew(place):
    run(place, seeds=[0])
    run(place, seeds=[0])
    calls = place / 'work/plain/seed_0/calls.txt'
    assert calls.read_text() == '.'  # once, without --resume
    (place / 'base.py').write_text('model = dict(width=3)\n')
    results = run(place, seeds=[0])
    assert calls.read_text() == '..'  # once more, from the start
    assert [r['metrics']['accuracy/top1'] for r in results] == [30, 50]


def test_rows_that_are_run_one_by_one_stand_in_one_table(place):
    series = load_series(place / 'series.py')
    run(place, series, seeds=[0, 1], only=['Plain'])
    (wide,) = run(place, series, seeds=[1], only=['Wide'])
    assert (wide['row'], wide['seed']) == ('Wide', 1)

    def written():
        runs = json.loads((place / 'work/results.json').read_text())['runs']
        return sorted((r['row'], r['seed'], r['metrics']['accuracy/top1']) for r in runs)

    assert written() == [('Plain', 0, 20), ('Plain', 1, 21), ('Wide', 1, 51)]
    assert '| Plain | 20.50 ± 0.71 |' in (place / 'work/table.md').read_text()
    # What another config gave is not among them.
    (place / 'base.py').write_text('model = dict(width=3)\n')
    run(place, series, seeds=[0], only=['Plain'])
    assert written() == [('Plain', 0, 30), ('Wide', 1, 51)]


def test_a_failed_run_is_told_and_resumed(place):
    series = Series(
        (Row('Bad', str(place / 'base.py'), {'model.width': 13}),
         Row('Good', str(place / 'base.py'))),
        {'accuracy/top1': 'top-1'},
    )  # fmt: skip
    bad, good = run(place, series, seeds=[4])
    assert bad['row'] == 'Bad'
    assert 'exit code 1' in bad['error']
    assert 'no luck' in (place / 'work/bad/seed_4/output.txt').read_text()
    assert good['metrics']['accuracy/top1'] == 24
    assert '| Bad | - | - | 0 |' in make_table(series, [bad, good])
    (place / 'work/bad/seed_4/mended').touch()
    bad, _ = run(place, series, seeds=[4])
    assert bad['metrics']['accuracy/top1'] == 134
    assert (place / 'work/bad/seed_4/calls.txt').read_text() == '--resume.'


@pytest.mark.parametrize('named', [True, False])
def test_the_command_prints_the_table_of_its_work_dir(place, named, monkeypatch, capsys):
    monkeypatch.chdir(place)
    folder = place / ('mine' if named else 'work_dirs/series')
    argv = ['run_series.py', 'series.py', '--seeds', '3']
    monkeypatch.setattr(sys, 'argv', [*argv, '--work-dir', 'mine'] if named else argv)
    command = (sys.executable, str(place / 'train.py'))
    # The training in the place of tools/train.py
    monkeypatch.setattr(series_run, 'run_series', partial(run_series, train_command=command))
    assert main() == 0
    assert capsys.readouterr().out.strip().endswith((folder / 'table.md').read_text().strip())


def test_paired_differences_and_their_interval(place):
    text = (place / 'series.py').read_text()
    (place / 'series.py').write_text(text + "baseline = 'Plain'\npairs = [('Plain', 'Wide')]\n")
    series = load_series(place / 'series.py')
    assert series.pairs == (('Wide', 'Plain'), ('Plain', 'Wide'))
    values = {'Plain': [1.0, 5.0, 2.0, 7.0], 'Wide': [2.0, 7.0, 5.0]}
    results = [
        dict(row=row, seed=seed, seconds=60, metrics={'accuracy/top1': value, 'loss': None})
        for row, column in values.items()
        for seed, value in enumerate(column)
    ]
    # Differences 1, 2, 3 of the seeds 0 to 2: mean 2, standard deviation 1; Student's t table
    # has 4.303 for two degrees of freedom: 4.303 / sqrt(3) = 2.484. Unpaired it would be 10.6.
    table = make_table(series, results)
    assert '| Wide - Plain | +2.00 ± 2.48 | - | 3 |' in table
    assert '| Plain - Wide | -2.00 ± 2.48 | - | 3 |' in table
    assert '| Wide - Plain | +1.000 | - | 1 |' in make_table(series, [results[0], results[4]])
    assert 'difference' not in make_table(series.select(['Wide']), results)


def test_options_name_the_seed(place):
    (place / 'base.py').write_text('model = dict(width=2)\nload_from = None\n')
    series = Series(
        (Row('A', str(place / 'base.py'), {'load_from': 'start/seed_{seed}/last.pth'}),),
        {'loss': 'loss'},
    )
    run(place, series, seeds=[3, 14])
    for seed in (3, 14):
        cfg = Config.fromfile(place / f'work/a/seed_{seed}/run.py')
        assert cfg.load_from == f'start/seed_{seed}/last.pth'


def test_select(place):
    series = load_series(place / 'series.py')
    assert [row.name for row in series.select(['Wide']).rows] == ['Wide']
    assert series.select(None) == series
    with pytest.raises(UserError, match=r"no row 'wide' \(did you mean Wide\?\)"):
        series.select(['wide'])


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ("metrics = {'a': 'A'}", 'needs rows'),
        ("rows = {'a': dict(config='x.py')}", 'needs metrics'),
        ("rows = {'a': dict(options={})}\nmetrics = {'a': 'A'}", 'it takes config and options'),
        (
            "rows = {'a+': dict(config='x'), 'A': dict(config='y')}\nmetrics = {'a': 'A'}",
            "would go into the folder 'a', as 'a\\+' does",
        ),
        (
            "rows = {'Wide': dict(config='x')}\nmetrics = {'a': 'A'}\nbaseline = 'Wyde'",
            r"baseline='Wyde' is no row \(did you mean Wide\?\)",
        ),
        (
            "rows = {'a': dict(config='x')}\nmetrics = {'a': 'A'}\npairs = [('a', 'b')]",
            r"the pair \('a', 'b'\) should name two of the rows \['a'\]",
        ),
    ],
)
def test_wrong_series(tmp_path, text, message):
    (tmp_path / 'series.py').write_text(text + '\n')
    with pytest.raises(UserError, match=message):
        load_series(tmp_path / 'series.py')


def test_a_wrong_option_is_found_before_anything_is_trained(place):
    rows = (Row('Plain', str(place / 'base.py')),
            Row('Wrong', str(place / 'base.py'), {'modell.width': 1}))  # fmt: skip
    with pytest.raises(UserError, match='modell'):
        run(place, Series(rows, {'a': 'A'}))
    assert not (place / 'work').exists()
