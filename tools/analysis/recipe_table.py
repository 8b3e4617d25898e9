"""Fill the tables of a recipe folder's README.md from the headers of its configs."""

from mmvisx.cli.analysis.recipe_table import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
