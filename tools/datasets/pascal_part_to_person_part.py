"""Make six part classes of persons from PASCAL-Part's annotations, as index PNGs and lists."""

from mmvisx.cli.datasets.pascal_part_to_person_part import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
