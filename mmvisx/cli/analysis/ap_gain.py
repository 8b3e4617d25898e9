"""Chart the gain in AP of each class from one result file to another (000, Figures 5.7, 5.8).

    python tools/analysis/ap_gain.py a.bbox.json b.bbox.json --ann instances_val2017.json
    python tools/analysis/ap_gain.py a_metrics.json b_metrics.json
    python tools/analysis/ap_gain.py a.npz b.npz --config CONFIG --rule 11points

Result files: detections in COCO's JSON format (CocoMetric's outfile_prefix), the metrics of
tools/test.py --out x.json, or its predictions, --out x.npz, which are evaluated by VOC's rule.
"""

import argparse
from functools import partial

from mmvisx.utils.files import write_json


def main() -> None:
    """Evaluate, print and draw."""
    parser = argparse.ArgumentParser(description='Chart the gain in AP of each class')
    parser.add_argument('before', help='result file')
    parser.add_argument('after', help='result file to compare with it')
    parser.add_argument('--ann', help='COCO annotations, for detections in JSON')
    parser.add_argument('--config', help='config of the test, for predictions in .npz')
    parser.add_argument('--metric', choices=['bbox', 'segm'], default='bbox', help='COCO only')
    parser.add_argument('--rule', choices=['area', '11points'], default='area', help='VOC only')
    parser.add_argument('--names', nargs=2, default=['before', 'after'], help='of the two results')
    parser.add_argument('--order', choices=['before', 'gain', 'given'], default='before')
    parser.add_argument('--out', default='ap_gain.png', help='the picture')
    parser.add_argument('--json', help='write the table, too')
    args = parser.parse_args()
    from mmdet.utils import register_all_modules

    from mmvisx.analysis.detection_ap_gain import APGain, read_class_ap
    from mmvisx.apis.build import build_dataset
    from mmvisx.utils.config import load_config

    register_all_modules(init_default_scope=False)
    dataset = partial(build_dataset, load_config(args.config)) if args.config else None
    before, after = (
        read_class_ap(path, args.ann, dataset, args.metric, args.rule)
        for path in (args.before, args.after)
    )
    analysis = APGain(args.names, args.order)
    gains = analysis.measure(before, after)
    for row in sorted(gains['classes'], key=lambda row: -row['gain']):
        print(f'{row["class"]}: {row["before"]:.3f} -> {row["after"]:.3f} ({row["gain"]:+.3f})')
    print(
        f'mean {gains["before"]:.3f} -> {gains["after"]:.3f} ({gains["gain"]:+.3f}); '
        f'{gains["gained"]} classes gain, {gains["dropped"]} drop'
    )
    if args.json:
        write_json(args.json, gains)
    print(f'wrote {analysis.draw(gains, args.out)}')
