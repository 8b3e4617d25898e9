"""Draw training samples after the pipeline into PNG files: boxes, masks or images with a class.

    python tools/analysis/browse_dataset.py CONFIG --count 20 --out-dir outputs/browse

Behind a class stands the weight of its box, below a mixed image lambda and its partner (mixup, 000,
section 5.3.1).
"""

import argparse
from pathlib import Path

from mmvisx.utils import UserError


def main() -> None:
    """Draw."""
    from mmvisx.utils.config import add_config_options
    from mmvisx.utils.config.classes import add_classes_option, read_classes, set_classes

    parser = argparse.ArgumentParser(description='Draw samples of a data set')
    parser.add_argument('config', help='config file')
    parser.add_argument('--out-dir', default='outputs/browse', help='folder for the pictures')
    parser.add_argument('--count', type=int, default=16, help='number of samples')
    parser.add_argument('--start', type=int, default=0, help='index of the first sample')
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train')
    parser.add_argument('--seed', type=int, default=0, help='of the random augmentation')
    add_classes_option(parser)
    add_config_options(parser)
    args = parser.parse_args()
    if args.count < 1:
        raise UserError(f'--count {args.count} should be at least 1')
    import mmcv
    from mmdet.utils import register_all_modules
    from tqdm import tqdm

    from mmvisx.apis.run import prepare_config
    from mmvisx.visualization.browse_dataset import browse

    register_all_modules(init_default_scope=False)
    cfg = prepare_config(args.config, options=args.cfg_options)
    if args.classes:
        set_classes(cfg, read_classes(args.classes))
    written = 0
    samples = browse(cfg, args.count, args.split, args.seed, args.start)
    for name, picture in tqdm(samples, total=args.count, unit='image'):
        mmcv.imwrite(picture[..., ::-1], str(Path(args.out_dir) / name))
        written += 1
    print(f'wrote {written} pictures into {args.out_dir}')
