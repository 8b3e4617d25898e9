"""Write a rejuvenated network without its dead channels, with standard layers."""

from mmvisx.cli.model_converters.export_rejuvenated import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
