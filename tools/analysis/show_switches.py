"""Draw where a DetectoRS takes more from the larger atrous rate (001, Figure 6-8)."""

from mmvisx.cli.analysis.show_switches import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
