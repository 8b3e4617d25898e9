"""Draw mean activations and classifier weights side by side (001, Figure 2-2)."""

from mmvisx.cli.analysis.few_shot_tsne import main
from mmvisx.utils import run_cli

if __name__ == '__main__':
    run_cli(main)
