"""What libraries say when they are imported: the four lines of OneDL's, and one warning."""

import subprocess
import sys

import pytest

# A library with the lines of mmseg's and mmdet's, and one that is worth reading.
LIBRARY = """
import warnings
from mmengine.logging import print_log
print_log('Could not import OneDL', level=10)
print_log('Could not import OneDL. Skipping OneDL datasets.', level=10)
print_log('a line of use')
warnings.warn('faster_coco_eval is not installed, metrics will not be computed.')
warnings.warn('a warning of use')
"""


@pytest.mark.parametrize('first', ['import mmvisx', 'import mmengine.logging, mmvisx'])
def test_only_these_are_left_out(tmp_path, first):
    (tmp_path / 'library.py').write_text(LIBRARY)
    done = subprocess.run(
        [sys.executable, '-c', f'{first}\nimport library'],
        env={'PYTHONPATH': f'{tmp_path}:{":".join(filter(None, sys.path))}', 'PATH': ''},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == 'a line of use\n'
    assert 'a warning of use' in done.stderr
    assert 'faster_coco_eval' not in done.stderr
