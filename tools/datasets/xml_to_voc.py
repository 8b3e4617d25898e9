"""Put a folder of images and VOC XML files into the VOC layout: shrunk, split into two lists."""

from mmvisx.cli.datasets.xml_to_voc import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
