"""Render a data set, train a nano DetectoRS on it from scratch, evaluate it and draw."""

from mmvisx.cli.demo.run_demo import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
