"""Repeat a training step whose loss or gradient was not finite; exits with 1 if it differs.

Example:
    mmvisx replay work_dirs/mine/non_finite_iter_4711.pth
"""

from __future__ import annotations

import argparse


def main(args: list[str] | None = None) -> int:
    """Print the losses of the step in the training and again, and where they go wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('file', help='non_finite_iter_N.pth of a work dir')
    parser.add_argument('--device', help='cpu, cuda:0, ... (default: as in the training)')
    options = parser.parse_args(args)
    from mmvisx.apis.replay import replay

    found = replay(options.file, options.device)
    for name, (before, again) in found.terms.items():
        print(f'{name}: {before!r} in the training, {again!r} again')
    print(f'first layer with an output that is not finite: {found.module or "none"}')
    print(f'parameters with such a gradient: {", ".join(found.gradients) or "none"}')
    print('equal bit for bit' if found.same else 'not equal')
    return 0 if found.same else 1
