"""Images a second and core of the printed pipeline (000, 2.2.1) and of mmpretrain's standard one.

python tools/benchmarks/classification_pipeline.py --out benchmarks/classification_pipeline.json
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import mmpretrain
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from tqdm import tqdm

from mmvisx.utils import UserError, run_cli
from mmvisx.utils.files import write_json
from mmvisx.utils.machine import describe_machine

ROOT = Path(__file__).resolve().parents[2]
PRINTED = ROOT / 'configs/_base_/datasets/imagenet_bag_of_tricks.py'
STANDARD = Path(mmpretrain.__file__).parent / '.mim/configs/_base_/datasets/imagenet_bs32.py'
PHOTOGRAPHS = ('astronaut', 'coffee', 'chelsea', 'rocket')
SIDE = 500  # pixels: the usual longer side of ImageNet's images


def find_images(folder: Path | None, target: Path) -> list[Path]:
    """Return the JPEG files of a folder, or scikit-image's photographs in ImageNet's size.

    Raises:
        UserError: The folder has no ``.jpg`` files.
    """
    if folder is not None:
        paths = sorted(folder.rglob('*.jpg'))
        if not paths:
            raise UserError(f'--images {folder}: no .jpg files in it')
        return paths
    from skimage import data

    paths = []
    for name in PHOTOGRAPHS:
        image = getattr(data, name)()[..., ::-1]
        scale = SIDE / max(image.shape[:2])
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        paths.append(target / f'{name}.jpg')
        cv2.imwrite(str(paths[-1]), image)
    return paths


def time_steps(pipeline: Compose, paths: list[Path]) -> list[float]:
    """Run a pipeline over all images; return the processor seconds of each of its steps."""
    seconds = [0.0] * len(pipeline.transforms)
    for path in paths:
        results: Any = dict(img_path=str(path), gt_label=0)
        for index, step in enumerate(pipeline.transforms):
            start = time.process_time()
            results = step(results)
            seconds[index] += time.process_time() - start
    return seconds


def measure(paths: list[Path], rounds: int) -> dict[str, Any]:
    """Time both pipelines in turns, in this process and with OpenCV on one thread.

    Returns:
        Per pipeline: images a second (median of the rounds) and milliseconds of each step;
        and the median over the rounds of the printed pipeline's rate by the standard one's.
    """
    cv2.setNumThreads(0)
    init_default_scope('mmpretrain')
    configs = {'printed': PRINTED, 'standard': STANDARD}
    pipelines = {k: Compose(Config.fromfile(p).train_pipeline) for k, p in configs.items()}
    for pipeline in pipelines.values():
        time_steps(pipeline, paths)
    rows: dict[str, list[list[float]]] = {name: [] for name in pipelines}
    for _ in tqdm(range(rounds)):
        for name, pipeline in pipelines.items():
            rows[name].append(time_steps(pipeline, paths))
    result: dict[str, Any] = {}
    for name, pipeline in pipelines.items():
        steps = [type(step).__name__ for step in pipeline.transforms]
        medians = [statistics.median(column) for column in zip(*rows[name], strict=True)]
        result[name] = {
            'images_per_second': round(
                statistics.median(len(paths) / sum(row) for row in rows[name]), 1
            ),
            'milliseconds': {
                step: round(1e3 * value / len(paths), 3)
                for step, value in zip(steps, medians, strict=True)
            },
        }
    ratios = [sum(b) / sum(a) for a, b in zip(rows['printed'], rows['standard'], strict=True)]
    result['printed_to_standard'] = round(statistics.median(ratios), 3)
    return result


def main(args: list[str] | None = None) -> int:
    """Measure, print and write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--images', type=Path, help='folder of .jpg files')
    parser.add_argument('--rounds', type=int, default=40, help='turns of each pipeline')
    parser.add_argument('--out', type=Path, help='JSON file to write')
    options = parser.parse_args(args)
    info = describe_machine()
    with tempfile.TemporaryDirectory() as folder:
        paths = find_images(options.images, Path(folder))
        result = measure(paths, options.rounds)
    for name in ('standard', 'printed'):
        numbers = result[name]
        print(f'{name}: {numbers["images_per_second"]} images a second; {numbers["milliseconds"]}')
    print(f'printed by standard: {result["printed_to_standard"]}')
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        source = str(options.images) if options.images else f'{len(paths)} photographs, {SIDE} px'
        content = {'machine': info, 'images': source, 'result': result}
        write_json(options.out, content)
    return 0


if __name__ == '__main__':
    run_cli(main)
