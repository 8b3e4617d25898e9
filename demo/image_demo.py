"""Draw a model's predictions on an image or on every image of a folder."""

from mmvisx.cli.demo.image_demo import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
