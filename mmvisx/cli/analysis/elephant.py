"""Slide an object over an image and count what becomes of the other detections (000, 5.3.1).

    python tools/analysis/elephant.py run CONFIG CHECKPOINT room.jpg --patch zoo.jpg
        --patch-box 80 40 300 260 --path 0,0.6 1,0.6 --out-dir outputs/elephant
    python tools/analysis/elephant.py report baseline/elephant.json mixup/elephant.json

"run" writes elephant.json (all detections and the report), strip.png, video.mp4 and scores.png
into OUT_DIR. "report" recomputes the numbers of such files from their detections, and is an error
where a file says something else.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmvisx.cli.options import add_config_argument, add_trust_option
from mmvisx.utils import UserError
from mmvisx.utils.files import write_json


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='The "elephant in the room" test')
    commands = parser.add_subparsers(dest='command', required=True)
    run = commands.add_parser('run', help='detect at each step and report')
    add_config_argument(run)
    run.add_argument('checkpoint', help='checkpoint file')
    add_trust_option(run)
    run.add_argument('image', help='the room')
    run.add_argument('--patch', required=True, help='image of the object; alpha is its mask')
    run.add_argument(
        '--patch-box',
        nargs=4,
        type=int,
        metavar=('X1', 'Y1', 'X2', 'Y2'),
        help='part of the patch image to take, in pixels',
    )
    run.add_argument('--patch-mask', help='image of the size of --patch, 0 where no object is')
    run.add_argument('--scale', type=float, default=1.0, help="factor of the patch's size")
    run.add_argument(
        '--path',
        nargs='+',
        default=['0,0.5', '1,0.5'],
        metavar='X,Y',
        help="points of the patch's centre, as parts of the image's width and height",
    )
    run.add_argument('--steps', type=int, default=24, help='positions on the path')
    run.add_argument('--score-thr', type=float, help='lowest score of an object; 0.3')
    run.add_argument('--iou-thr', type=float, help='lowest overlap to be the same object; 0.5')
    run.add_argument(
        '--max-covered', type=float, help='part of a box that the patch may cover; 0.2'
    )
    run.add_argument('--out-dir', default='outputs/elephant')
    run.add_argument('--device', help='cpu, cuda:0, ...; a GPU if there is one by default')
    report = commands.add_parser('report', help='recompute the report of records')
    report.add_argument('records', nargs='+', help='elephant.json files')
    return parser.parse_args()


def read_path(texts: list[str]) -> list[tuple[float, ...]]:
    """Return the points of ``--path``.

    Raises:
        UserError: A point is not two numbers.
    """
    try:
        points = [tuple(float(number) for number in text.split(',')) for text in texts]
    except ValueError:
        points = [()]
    if any(len(point) != 2 for point in points):
        raise UserError(f'--path {" ".join(texts)}: write points as X,Y, for example 0,0.5 1,0.5')
    return points


def show(name: str, report: dict[str, Any]) -> None:
    """Print a report."""
    total = report['total']

    def number(value: float | None) -> str:
        return '-' if value is None else f'{value:.3f}'

    print(f'{name}: {total["objects"]} objects, {total["steps"]} steps')
    for row in report['objects']:
        flips = ', '.join(f'{n} x {label}' for label, n in row['flipped_to'].items())
        print(
            f'  {row["label"]} {row["score"]:.3f}: visible {row["visible"]}, kept {row["kept"]}, '
            f'lost {row["lost"]}, flipped {row["flipped"]}{f" ({flips})" if flips else ""}, score '
            f'drop mean {number(row["mean_drop"])}, max {number(row["max_drop"])}'
        )
    print(
        f'  of {total["object_steps"]} visible objects x steps: kept {number(total["kept"])}, lost '
        f'{number(total["lost"])}, flipped {number(total["flipped"])}; score drop mean '
        f'{number(total["mean_drop"])}, max {number(total["max_drop"])}; '
        f'{number(total["appeared_per_step"])} new detections a step; the patch is detected in '
        f'{number(report["patch"]["detected"])} of the steps {report["patch"]["labels"] or ""}'
    )


def detections_of(inferencer: Any) -> Callable[[Any], list[dict[str, Any]]]:
    """Return a function from an image to the detections of an inferencer, as a record has them."""

    def detect(image: Any) -> list[dict[str, Any]]:
        (result,) = inferencer(image)['predictions']
        found = zip(result['label_names'], result['scores'], result['bboxes'], strict=True)
        return [
            {'label': label, 'score': float(score), 'box': [float(v) for v in box]}
            for label, score, box in found
        ]

    return detect


def run(args: argparse.Namespace) -> None:
    """Detect, report and draw."""
    from mmvisx.analysis.detection_elephant import DetectionElephant
    from mmvisx.analysis.detection_elephant_patch import load_patch, path_positions, scenes
    from mmvisx.apis import Inferencer
    from mmvisx.datasets.transforms.loading import decode_image

    image = decode_image(args.image, 'name an image', 'color', 'cv2', None)
    pixels, mask = load_patch(args.patch, args.patch_box, args.patch_mask, args.scale)
    positions = path_positions(read_path(args.path), args.steps, image.shape, mask.shape)
    names = {key: str(getattr(args, key)) for key in ('config', 'checkpoint', 'image', 'patch')}
    keys = ('score_thr', 'iou_thr', 'max_covered')
    settings = {key: getattr(args, key) for key in keys if getattr(args, key) is not None}
    analysis = DetectionElephant(**settings)
    inferencer = Inferencer(args.config, args.checkpoint, args.device, show_progress=False)
    detect = detections_of(inferencer)
    record = analysis.measure(detect, image, pixels, mask, positions, names)
    out = Path(args.out_dir)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / 'elephant.json', record, indent=1)
    analysis.draw(record, scenes(image, pixels, mask, positions), out)
    show(args.image, record['report'])
    print(f'wrote elephant.json, strip.png, video.mp4 and scores.png into {out}')


def report(args: argparse.Namespace) -> None:
    """Recompute and print."""
    from mmvisx.analysis.detection_elephant_report import elephant_report, read_record

    for path in args.records:
        record = read_record(path)
        numbers = elephant_report(record)
        show(path, numbers)
        if record.get('report') != numbers:
            raise UserError(f'{path} says {record.get("report")}, but its detections say otherwise')


def main() -> None:
    """Run a command."""
    args = parse_args()
    (run if args.command == 'run' else report)(args)
