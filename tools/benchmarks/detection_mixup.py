"""Time how long a sample takes to load with mixup and without.

python tools/benchmarks/detection_mixup.py --out benchmarks/detection_mixup.json
python tools/benchmarks/detection_mixup.py --dataset VOCDataset --data-root data/VOCdevkit
    --ann-file VOC2012/ImageSets/Main/train.txt --img VOC2012/ --out benchmarks/detection_mixup.json
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.registry import DATASETS
from mmdet.utils import register_all_modules
from tqdm import tqdm

from mmvisx.utils import run_cli
from mmvisx.utils.files import write_json
from mmvisx.utils.machine import describe_machine

# Width and height of Resize: YOLOv3's, and Faster R-CNN's on VOC and on COCO.
SCALES = ((416, 416), (1000, 600), (1333, 800))
PLAIN = 'plain'
# How the data set is built: whether it stands in the wrapper, with which mixup (None: none), and
# whether what follows is one step of the wrapper, which copies everything before each of its steps.
WAYS: dict[str, dict[str, Any]] = {
    PLAIN: dict(wrapped=False),
    'wrapped': dict(),
    'mixup': dict(mixup={}),
    'mixup_with_cache': dict(mixup=dict(cache_size=16)),
    'mixup_composed': dict(mixup={}, composed=True),
    'mixup_with_cache_composed': dict(mixup=dict(cache_size=16), composed=True),
}


def build(
    options: argparse.Namespace,
    scale: tuple[int, int],
    wrapped: bool = True,
    mixup: dict[str, Any] | None = None,
    composed: bool = False,
) -> Any:
    """Build a data set that loads, perhaps mixes, resizes, flips and packs."""
    steps: list[dict[str, Any]] = [
        dict(type='mmvisx.LoadImageFromFile'),
        dict(
            type='mmvisx.LoadAnnotations',
            with_bbox=True,
            with_mask=options.masks,
            keep_instances=False,
        ),
        dict(type='mmdet.Resize', scale=scale, keep_ratio=True),
        dict(type='mmdet.RandomFlip', prob=0.5),
        dict(type='mmvisx.PackDetInputs'),
    ]
    load, rest = steps[:2], steps[2:]
    data: dict[str, Any] = dict(
        type=f'mmvisx.{options.dataset}', data_root=options.data_root, ann_file=options.ann_file
    )
    folder = 'img' if options.dataset == 'CocoDataset' else 'sub_data_root'
    data['data_prefix'] = {folder: options.img}
    if not wrapped:
        return DATASETS.build(dict(data, pipeline=steps))
    mixing = [] if mixup is None else [dict(type='mmvisx.DetectionMixUp', **mixup)]
    if composed:
        rest = [dict(type='Compose', transforms=rest)]
    inner = dict(data, pipeline=load)
    return DATASETS.build(
        dict(type='mmdet.MultiImageMixDataset', dataset=inner, pipeline=[*mixing, *rest])
    )


def measure(options: argparse.Namespace, scale: tuple[int, int]) -> dict[str, Any]:
    """Time the ways of loading in turns, sample by sample.

    What is taken is the processor time of this process, and a ratio within a round, so
    that other work on the machine hardly matters. The files come from memory.

    Returns:
        Median milliseconds a sample of each way, and the median of the rounds' ratios to
        the plain pipeline.
    """
    datasets = {name: build(options, scale, **way) for name, way in WAYS.items()}
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    random = np.random.default_rng(0)
    samples = min(options.samples, len(datasets[PLAIN]))
    # Round -1 fills the system's cache of files and that of the transform.
    for turn in tqdm(range(-1, options.rounds), desc=f'{scale[0]}x{scale[1]}'):
        total = dict.fromkeys(WAYS, 0.0)
        for index in random.permutation(len(datasets[PLAIN]))[:samples]:
            for name, dataset in datasets.items():
                start = time.process_time()
                dataset[int(index)]
                total[name] += time.process_time() - start
        if turn >= 0:
            for name, value in total.items():
                seconds[name].append(value / samples)
    ratios = {
        name: statistics.median(a / b for a, b in zip(seconds[name], seconds[PLAIN], strict=True))
        for name in WAYS
    }
    return {
        'scale': list(scale),
        'milliseconds': {k: round(1e3 * statistics.median(v), 2) for k, v in seconds.items()},
        'times_the_plain_pipeline': {k: round(v, 3) for k, v in ratios.items() if k != PLAIN},
    }


def main(args: list[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--dataset', default='CocoDataset', choices=['CocoDataset', 'VOCDataset'])
    parser.add_argument('--data-root', default='data/coco', help='folder of the data set')
    parser.add_argument('--ann-file', default='annotations/instances_val2017.json')
    parser.add_argument('--img', default='val2017/', help='folder of the images (VOC: of the year)')
    parser.add_argument('--masks', action='store_true', help='load and mix masks, too')
    parser.add_argument('--samples', type=int, default=64, help='images a round')
    parser.add_argument('--rounds', type=int, default=15)
    parser.add_argument('--out', type=Path, help='JSON file to write; others in it are kept')
    options = parser.parse_args(args)
    register_all_modules(init_default_scope=True)
    info = describe_machine()
    results = [measure(options, scale) for scale in SCALES]
    for result in results:
        print(f'{result["scale"]}: {result["milliseconds"]} ms a sample')
        print(f'    times the plain pipeline: {result["times_the_plain_pipeline"]}')
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        content = json.loads(options.out.read_text()) if options.out.is_file() else {}
        settings = {key: getattr(options, key) for key in ('masks', 'samples', 'rounds')}
        name = options.dataset + (' with masks' if options.masks else '')
        content[name] = {'machine': info, 'settings': settings, 'results': results}
        write_json(options.out, content)
    return 0


if __name__ == '__main__':
    run_cli(main)
