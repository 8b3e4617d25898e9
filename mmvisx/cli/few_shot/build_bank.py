"""Compute what a classifier's last layer gets for every image of a data set, and keep it.

    mmvisx few-shot build-bank CONFIG CHECKPOINT --out banks/train

The images of the config's training data (or of another split), in the pipeline that they are
tested with. A build that
was interrupted goes on where it was; a finished bank of the same weights, pipeline and files is
left as it is.
"""

from __future__ import annotations

import argparse

from mmvisx.cli.options import add_config_argument, add_config_options, add_trust_option


def main() -> None:
    """Build a bank."""
    parser = argparse.ArgumentParser(description='Keep the activations of all images in a bank')
    add_config_argument(parser)
    parser.add_argument('checkpoint', help='checkpoint file')
    add_trust_option(parser)
    parser.add_argument('--out', required=True, help='folder of the bank')
    parser.add_argument(
        '--split', default='train', help='SPLIT_dataloader of the config: train, val, test, few'
    )
    parser.add_argument('--dtype', default='float16', choices=('float16', 'float32'))
    parser.add_argument('--device', help='cpu, cuda:0, ...; a GPU if there is one by default')
    add_config_options(parser)
    args = parser.parse_args()

    import torch
    from rich.progress import Progress

    from mmvisx.apis.few_shot_bank import build_bank
    from mmvisx.apis.run import prepare_config

    cfg = prepare_config(args.config, options=args.cfg_options)
    device = args.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    with Progress() as progress:
        task = progress.add_task('images', total=None)
        bank = build_bank(
            cfg,
            args.checkpoint,
            args.out,
            args.split,
            args.dtype,
            device,
            report=lambda done, total: progress.update(task, completed=done, total=total),
        )
    print(
        f'{args.out}: {len(bank)} images of {len(bank.classes)} classes, '
        f'{bank.channels} channels, {bank.activations.dtype}'
    )
