"""Panels over epochs from a series' logs, by hand; what is missing is named."""

import json

import numpy as np
import pytest
from PIL import Image

from mmvisx.analysis.co_training_curves import CoTrainingCurves
from mmvisx.analysis.training_curves import epoch_length
from mmvisx.cli.analysis.co_training_curves import main
from mmvisx.utils import UserError
from mmvisx.visualization.curves import mean_and_spread


def write(folder, shift=0.0, monitored=True, epochs=4, length=20):
    """Write a log as the runner does: of each epoch training, monitor and validation."""
    log = folder / '20260101' / 'vis_data'
    log.mkdir(parents=True)
    lines = []
    for epoch in range(1, epochs + 1):
        step = epoch * length
        if monitored:
            dif = dict(dif=5.0 - epoch + shift, dif_kl=0.5 * epoch)
            fooling = dict(own_fooling=0.5, transferred_fooling=0.4 / epoch)
            values = {f'view_monitor.{name}': value for name, value in (dif | fooling).items()}
            lines.append(dict(values, iter=step - 10, step=step - 10))
        lines.append(dict(loss=1.0, epoch=epoch, iter=step, step=step))
        lines.append({'views/mean': 10.0 * epoch + shift, 'step': epoch})
    (log / 'scalars.json').write_text('\n'.join(map(json.dumps, lines)))


@pytest.fixture
def series(tmp_path):
    """Two seeds of a watched training, one of one that is not."""
    for seed in (0, 1):
        write(tmp_path / 'digits' / 'both_terms' / f'seed_{seed}', shift=2.0 * seed)
    write(tmp_path / 'digits' / 'agreement_only' / 'seed_0', monitored=False)
    return tmp_path / 'digits'


def test_accuracy_over_epochs(series):
    (panel,) = CoTrainingCurves().measure([series])
    assert (panel.title, list(panel.curves)) == ('digits', ['agreement_only', 'both_terms'])
    epochs, values = panel.curves['both_terms']
    assert epochs.tolist() == [1, 2, 3, 4]
    mean, spread = mean_and_spread(values)
    assert mean.tolist() == [11, 21, 31, 41]
    assert np.allclose(spread, np.sqrt(2))
    assert mean_and_spread(panel.curves['agreement_only'][1])[1].tolist() == [0] * 4


def test_difference_of_the_trainings_that_were_watched(series):
    dif, kl = CoTrainingCurves('difference').measure([series])
    assert (list(dif.curves), list(kl.curves)) == (['both_terms'],) * 2
    epochs, values = dif.curves['both_terms']
    assert epochs.tolist() == [0.5, 1.5, 2.5, 3.5]
    assert values.tolist() == [[4, 3, 2, 1], [6, 5, 4, 3]]
    assert kl.curves['both_terms'][1][0].tolist() == [0.5, 1, 1.5, 2]


def test_some_epochs_and_rows(series):
    (panel,) = CoTrainingCurves(rows=['both_terms'], epochs=[2, 3]).measure([series])
    assert list(panel.curves) == ['both_terms']
    assert panel.curves['both_terms'][0].tolist() == [2, 3]


def test_length_of_an_epoch_whose_end_is_not_logged(tmp_path):
    """733 iterations, logged every 50; the third is running."""
    log = tmp_path / 'vis_data'
    log.mkdir()
    logged = [(1, 650), (1, 700), (2, 733 + 700), (3, 2 * 733 + 50)]
    lines = [json.dumps(dict(epoch=e, iter=i, step=i)) for e, i in logged]
    (log / 'scalars.json').write_text('\n'.join(lines))
    assert epoch_length(tmp_path) == 733
    (log / 'scalars.json').write_text(lines[1])
    assert epoch_length(tmp_path) == 700
    (log / 'scalars.json').write_text(json.dumps(dict(iter=5, step=5)))
    assert epoch_length(tmp_path) is None


def test_draws_a_panel_for_each_value_and_data_set(series, capsys):
    one, two = series.parent / 'one.png', series.parent / 'two.png'
    main([str(series), '--what', 'fooling', '--out', str(one)])
    main([str(series), str(series), '--what', 'fooling', '--out', str(two)])
    assert 'one.png' in capsys.readouterr().out
    pictures = [np.asarray(Image.open(path).convert('RGB')) for path in (one, two)]
    assert pictures[1].shape[1] == 2 * pictures[0].shape[1]
    blue = [int((p == (31, 119, 180)).all(axis=2).sum()) for p in pictures]
    assert blue[1] > 1.5 * blue[0] > 100


def test_mistakes_are_named(series, tmp_path):
    with pytest.raises(UserError, match=r"--what 'accuracies' .*did you mean accuracy"):
        CoTrainingCurves('accuracies')
    with pytest.raises(UserError, match=r'no log of a training .* below .*nothing'):
        CoTrainingCurves().measure([tmp_path / 'nothing'])
    with pytest.raises(UserError, match=r"no row 'both_term' \(did you mean both_terms"):
        CoTrainingCurves(rows=['both_term']).measure([series])
    with pytest.raises(UserError, match=r"logged 'view_monitor.dif', .*ViewMonitorHook"):
        CoTrainingCurves('difference', ['agreement_only']).measure([series])
    with pytest.raises(UserError, match=r'in epochs \[50, 60\]'):
        CoTrainingCurves(epochs=[50, 60]).measure([series])
    write(series / 'both_terms' / 'seed_2', epochs=3)
    with pytest.raises(UserError, match='are all of them finished'):
        CoTrainingCurves().measure([series])
