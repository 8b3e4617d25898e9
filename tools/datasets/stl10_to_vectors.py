"""Turn STL-10's binaries into points for clustering: gradients and colours, 1,428 values each."""

from mmvisx.cli.datasets.stl10_to_vectors import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
