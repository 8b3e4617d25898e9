"""Panoptic quality (PQ, SQ, RQ; of things and of stuff; per class) of a panoptic prediction.

Example: python tools/panoptic/evaluate.py out/panoptic.json \
    data/coco/annotations/panoptic_val2017.json --out out/pq.json
"""

from __future__ import annotations

import argparse

from mmvisx.utils.files import write_json


def main(args: list[str] | None = None) -> int:
    """Print the table and, if asked to, write the numbers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('prediction', help='panoptic JSON')
    parser.add_argument('truth', help='panoptic JSON of the ground truth')
    parser.add_argument('--pred-dir', help='folder of the PNGs; the JSON without its suffix')
    parser.add_argument('--gt-dir', help='folder of the PNGs; the JSON without its suffix')
    parser.add_argument('--out', help='write the metrics to this JSON; null: does not occur')
    options = parser.parse_args(args)
    from mmvisx.evaluation.panoptic.quality import evaluate_panoptic

    scores = evaluate_panoptic(options.prediction, options.truth, options.pred_dir, options.gt_dir)
    print(scores.table())
    if options.out is not None:
        metrics = {k: None if v != v else v for k, v in scores.metrics().items()}
        write_json(options.out, metrics)
    return 0
