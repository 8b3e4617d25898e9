"""Keep what a detector makes of its training boxes, so that it can be taught new classes.

    mmvisx few-shot build-box-bank CONFIG CHECKPOINT --out banks/boxes

The detector needs boxes that no class owns: roi_head.bbox_head.reg_class_agnostic=True.
"""

from __future__ import annotations

import argparse

from mmvisx.cli.options import add_config_argument


def main() -> None:
    """Make the bank."""
    parser = argparse.ArgumentParser(description="Keep a detector's activations for its boxes")
    add_config_argument(parser)
    parser.add_argument('checkpoint', help='weights of the detector')
    parser.add_argument('--out', required=True, help='folder of the bank')
    parser.add_argument('--dtype', default='float32', choices=('float16', 'float32'))
    parser.add_argument('--device', default='cpu', help='cpu, cuda:0, ...')
    args = parser.parse_args()

    from mmvisx.apis.few_shot_box_bank import build_box_bank
    from mmvisx.utils.config import load_config

    bank = build_box_bank(
        load_config(args.config), args.checkpoint, args.out, args.device, args.dtype
    )
    print(f'{bank.folder}: {len(bank)} regions, {len(bank.classes)} classes with the background')
