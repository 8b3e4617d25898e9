"""A folder of images of which only a list has labels."""

from pathlib import Path

import cv2
import numpy as np


def write_images(folder, classes=3, each=8, size=12):
    """Write ``folder/{class}/{number}.png`` of noise around a grey of the class; returns it."""
    random = np.random.default_rng(0)
    for label in range(classes):
        (folder / 'abcdefghij'[label]).mkdir(parents=True)
        for number in range(each):
            image = random.integers(0, 80, (size, size, 3)) + label * 240 // classes
            cv2.imwrite(str(folder / 'abcdefghij'[label] / f'{number}.png'), image.clip(0, 255))
    return folder


def image_folder(folder, **options):
    """Return the config of the data set."""
    pipeline = [dict(type='mmvisx.LoadImageFromFile'), dict(type='mmpretrain.PackInputs')]
    return dict(
        dict(type='mmvisx.ImageFolder', data_prefix=str(folder), pipeline=pipeline), **options
    )


def write_list(path, names):
    """Write names of images a line; returns the path as a string."""
    Path(path).write_text('\n'.join(names) + '\n')
    return str(path)
