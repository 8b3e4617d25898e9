"""Render a data set, train a nano DetectoRS on it from scratch, evaluate it and draw.

    python demo/run_demo.py --out-dir outputs/demo

Takes about ten minutes on two CPU cores. Writes the data set, logs, a checkpoint, the curves of
losses and metrics, and pictures of predictions on images that were not trained on.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

CONFIG = 'configs/detectors/htc_rfp_sac_nano_shapes.py'
COLUMNS, ROWS = 4, 3
CURVES = ['loss', *(f'coco/{kind}_mAP{at}' for kind in ('bbox', 'segm') for at in ('', '_50'))]
ENLARGE = 3  # 128 pixels are too few to read labels on


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--out-dir', type=Path, default=Path('outputs/demo'))
    parser.add_argument('--train-images', type=int, default=1200)
    parser.add_argument('--val-images', type=int, default=200)
    parser.add_argument('--epochs', type=int, help="instead of the config's")
    args = parser.parse_args()

    from mmvisx.analysis.training_curves import TrainingCurves

    start = time.perf_counter()
    data = _make_data(args.out_dir / 'shapes', args.train_images, args.val_images)
    work_dir = args.out_dir / 'train'
    metrics, log_dir, seconds = _train(data, work_dir, args.epochs)
    checkpoint = Path((work_dir / 'last_checkpoint').read_text().strip())
    pictures = _draw(data, checkpoint, args.out_dir)
    analysis = TrainingCurves(CURVES)
    curves = analysis.draw(analysis.measure([log_dir]), args.out_dir / 'curves.png')

    print(f'\ntrained and evaluated in {seconds / 60:.1f} min on {args.train_images} images; on')
    print(f'{args.val_images} held-out images:')
    for name, key in (('box', 'bbox'), ('mask', 'segm')):
        values = [metrics[f'coco/{key}_mAP{suffix}'] for suffix in ('', '_50', '_75')]
        print(f'  {name:4} AP {values[0]:.3f}   AP50 {values[1]:.3f}   AP75 {values[2]:.3f}')
    print(f'predictions: {pictures}\ncurves:      {curves}\ncheckpoint:  {checkpoint}')
    print(f'whole demo:  {(time.perf_counter() - start) / 60:.1f} min')


def _make_data(out: Path, train: int, val: int) -> Path:
    from mmvisx.datasets.shapes.write import ShapesConfig, make_shapes

    print(f'rendering {train} + {val} images into {out}', flush=True)
    # Another number of images than last time: the folder is the demo's own.
    make_shapes(out, ShapesConfig(train=train, val=val), workers=2, force=True)
    return out


def _train(data: Path, work_dir: Path, epochs: int | None) -> tuple[dict, Path, float]:
    """Return the last evaluation's metrics, the log's folder and the time it took in s."""
    from mmvisx.apis import run
    from mmvisx.utils.screen import quiet_screen

    options: dict = {'data_root': f'{data / "coco"}/', 'randomness.seed': 0}
    if epochs is not None:
        keys = ('train_cfg.max_epochs', 'param_scheduler.1.end', 'param_scheduler.1.T_max')
        options.update(dict.fromkeys(keys, epochs))
    cfg = run.prepare_config(CONFIG, work_dir, options)
    with quiet_screen():
        runner = run.build_runner(cfg)
        start = time.perf_counter()
        runner.train()
    scalars = runner.message_hub.log_scalars
    metrics = {
        key.removeprefix('val/'): history.current()
        for key, history in scalars.items()
        if key.startswith('val/coco/')
    }
    return metrics, Path(runner.log_dir), time.perf_counter() - start


def _draw(data: Path, checkpoint: Path, out_dir: Path) -> Path:
    """Draw predictions on held-out images, enlarged, into one picture."""
    import cv2
    import mmcv
    import numpy as np

    from mmvisx.apis import Inferencer
    from mmvisx.utils.screen import quiet_screen

    paths = sorted((data / 'coco' / 'val').iterdir())[: COLUMNS * ROWS]
    # The test pipeline shrinks them again: the network sees the original pixels.
    images = [
        mmcv.imrescale(mmcv.imread(path), float(ENLARGE), interpolation='nearest') for path in paths
    ]
    with quiet_screen():
        inferencer = Inferencer(CONFIG, checkpoint, device='cpu', show_progress=False)
        drawn = inferencer(images, return_vis=True, pred_score_thr=0.5)['visualization']
    rows = [np.hstack(drawn[i : i + COLUMNS]) for i in range(0, len(drawn), COLUMNS)]
    target = out_dir / 'predictions.jpg'
    cv2.imwrite(str(target), np.vstack(rows)[..., ::-1])
    return target
