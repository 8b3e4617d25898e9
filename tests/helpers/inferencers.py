"""A small model of each task with random weights, images for it, and what is written of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config

from mmvisx.apis.build import build_model
from mmvisx.utils.config import apply_options, load_config

DATA = Path(__file__).resolve().parents[1] / 'data'
TASKS = ('detector', 'segmentor', 'classifier')
CLASSES = dict(
    detector=('box', 'disc'),
    segmentor=('dark', 'bright', 'sky'),
    classifier=('blue', 'green', 'red'),
)
# By hand below: what the network sees of a pixel (b, g, r) is (c - mean) / std, channel by channel.
MEAN, STD = (120.0, 110.0, 100.0), (60.0, 50.0, 40.0)


def config_of(task: str) -> Config:
    """Return the config of a task; its preprocessor keeps the order of the channels (BGR)."""
    if task == 'detector':
        cfg = load_config(DATA / 'tiny_mask_rcnn.py')
        apply_options(cfg, {'model.test_cfg.rcnn.score_thr': 0.0})
        cfg.model.data_preprocessor.update(mean=MEAN, std=STD, bgr_to_rgb=False)
        return cfg
    if task == 'classifier':
        cfg = load_config(DATA / 'tiny_classifier.py')
        cfg.model.data_preprocessor = dict(mean=MEAN, std=STD, num_classes=3, to_rgb=False)
        cfg.pop('data_preprocessor')
        return cfg
    return Config(
        dict(
            default_scope='mmseg',
            model=dict(
                type='EncoderDecoder',
                data_preprocessor=dict(type='SegDataPreProcessor', mean=MEAN, std=STD),
                backbone=dict(
                    type='mmvisx.StackedUNet',
                    arch=dict(filters=4, modules=(1,) * 4, channels=(8,) * 4, stem_channels=4),
                    output_stride=16,
                ),
                decode_head=dict(
                    type='mmvisx.DeGriddingHead', in_channels=8, in_index=0, channels=8,
                    num_classes=3, loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
                ),
                test_cfg=dict(mode='whole'),
            ),
            test_dataloader=dict(
                dataset=dict(
                    type='BaseSegDataset',
                    pipeline=[
                        dict(type='LoadImageFromFile'),
                        dict(type='LoadAnnotations'),
                        dict(type='PackSegInputs'),
                    ],
                )
            ),
        )
    )  # fmt: skip


def write_model(task: str, folder: Path, at_top: bool = False) -> tuple[Path, Path]:
    """Write config and checkpoint; ``at_top``: the preprocessor stands at the config's top."""
    cfg = config_of(task)
    model = build_model(cfg)
    generator = torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        if name.endswith(('conv_seg.weight', 'head.fc.weight')):
            torch.nn.init.normal_(parameter, std=3.0, generator=generator)
    if task == 'segmentor':
        _spread_classes(model, torch.randn(8, 3, 48, 64, generator=generator))
    if at_top:
        cfg.data_preprocessor = cfg.model.pop('data_preprocessor')
    cfg.dump(folder / 'config.py')
    meta = dict(dataset_meta=dict(classes=CLASSES[task]))
    torch.save(dict(state_dict=model.state_dict(), meta=meta), folder / 'weights.pth')
    return folder / 'config.py', folder / 'weights.pth'


@torch.no_grad()
def _spread_classes(model: torch.nn.Module, images: torch.Tensor) -> None:
    """Let no class be the best one everywhere: statistics of images, and centred scores."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    model.train()(images)
    last = model.eval().decode_head.conv_seg
    last.bias.zero_()
    last.bias -= model(images).mean(dim=(0, 2, 3))


def pictures(count: int, sizes: Sequence[tuple[int, int]] = ((48, 64),)) -> list[np.ndarray]:
    """Images of blobs, BGR, of the sizes in turn."""
    random = np.random.default_rng(0)
    found = []
    for k in range(count):
        height, width = sizes[k % len(sizes)]
        coarse = random.integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
        found.append(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR))
    return found


def write_images(folder: Path, names: Sequence[str]) -> Path:
    """Write images of blobs of these names into a folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in zip(names, pictures(len(names)), strict=True):
        assert cv2.imwrite(str(folder / name), image)
    return folder


def names(folder: Path) -> list[str]:
    """Names of the files in a folder."""
    return sorted(path.name for path in folder.iterdir())


def results_of(task: str, *stems: str, ending: str = '.png') -> tuple[list[str], list[str]]:
    """Names of what is written of images ``{stem}{ending}``: pictures and predictions."""
    if task == 'segmentor':
        return [f'{stem}.png' for stem in stems], [f'{stem}.png' for stem in stems]
    own = [f'{stem}{ending}' for stem in stems]
    if task == 'classifier':
        return [f'{name}.png' for name in own], [f'{name}.json' for name in own]
    return own, [f'{name}.json' for name in own]
