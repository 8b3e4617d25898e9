"""mmvisx compare-clusterers, from files to the table."""

import json

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from mmvisx.utils import UserError

TOOL = 'tools/compare_clusterers.py'


def test_table(tool, tmp_path, capsys):
    points, labels = make_blobs(60, 5, centers=3, cluster_std=0.1, random_state=0)
    np.save(tmp_path / 'vectors.npy', points)
    (tmp_path / 'labels.txt').write_text('\n'.join('abc'[k] for k in labels) + '\n')
    out = tmp_path / 'new/table.json'
    command = [TOOL, tmp_path / 'vectors.npy', '--labels', tmp_path / 'labels.txt', '--k', 3]
    assert tool(*command, '--methods', 'k-means', '--seeds', 4, 5, '--out', out) == 0
    said = capsys.readouterr().out
    assert '[2/2] k-means, seed 5: ACC 1.0000, NMI 1.0000, ARI 1.0000' in said
    assert '| k-means | 1.000 ± 0.000 |' in said
    assert '| largest class | 0.333 |' in said
    assert out.with_suffix('.md').read_text() in said
    assert len(json.loads(out.read_text())['runs']) == 2
    with pytest.raises(UserError, match="no argument 'intervall'"):
        tool(*command, '--dec', 'interval=20', 'intervall=20', '--out', out)


def test_the_table_needs_a_name_of_its_own(tool, tmp_path):
    with pytest.raises(UserError, match=r'should end in \.json'):
        tool(TOOL, 'a.npy', '--labels', 'a.txt', '--k', 3, '--out', tmp_path / 'table.md')
