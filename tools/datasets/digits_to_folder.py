"""Write scikit-learn's handwritten digits as class folders of PNG files."""

from mmvisx.cli.datasets.digits_to_folder import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
