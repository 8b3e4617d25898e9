"""Draw a segmentor's predictions over an image or over every image of a folder."""

from mmvisx.cli.demo.seg_demo import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
