"""Look for what is wrong with this Python environment and say what to type: mmvisx env.

Runs that file alone, without its package, which need not be installed yet.
"""

import runpy
from pathlib import Path

if __name__ == '__main__':
    env = Path(__file__).resolve().parents[1] / 'mmvisx' / 'cli' / 'env.py'
    runpy.run_path(str(env), run_name='__main__')
