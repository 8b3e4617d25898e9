"""Write the views of a co-trained classifier as plain classifiers."""

from mmvisx.cli.model_converters.split_views import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
