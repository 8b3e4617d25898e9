"""Make index PNGs of SBD beside PASCAL VOC 2012's, and the lists of both, less VOC's val."""

from mmvisx.cli.datasets.sbd_to_voc import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
