"""Export backbone, neck and dense heads of a detector to ONNX."""

from mmvisx.cli.deployment.export_onnx import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
