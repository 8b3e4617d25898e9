"""Write weights with which HTC goes on as DetectoRS."""

from mmvisx.cli.model_converters.warm_start_detectors import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
