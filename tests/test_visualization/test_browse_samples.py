"""Pictures of segmentation and classification samples."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from mmpretrain.structures import DataSample
from mmseg.structures import SegDataSample
from PIL import Image

from mmvisx.cli.analysis.browse_dataset import browse
from mmvisx.utils import UserError
from mmvisx.utils.config.classes import set_classes
from mmvisx.visualization.browse_samples import draw_class, draw_masks

META = dict(classes=('ground', 'ball'), palette=[[10, 200, 10], [200, 10, 10]])


def packed(**fields):
    """A blue image (BGR, as it is loaded) of 60x80 with label maps."""
    image = torch.zeros(3, 60, 80, dtype=torch.uint8)
    image[0] = 100
    maps = {key: PixelData(data=value[None]) for key, value in fields.items()}
    return dict(inputs=image, data_samples=SegDataSample(**maps))


def labels():
    """Ball on the left half, ground on the right, the last ten columns ignored."""
    found = torch.zeros(60, 80, dtype=torch.long)
    found[:, :40], found[:, 70:] = 1, 255
    return found


def test_masks_lie_over_the_image_beside_a_legend():
    picture = draw_masks(packed(gt_sem_seg=labels()), META)
    # Half of the colour, half of the image's blue, by hand; the ignored is the image.
    for column, expected in ((5, (100, 5, 55)), (50, (5, 100, 55)), (75, (0, 0, 100))):
        assert tuple(picture[30, column]) == expected
    assert picture.shape[1] > 80 + 40
    legend = picture[:, 80:]
    for colour in META['palette']:
        assert (legend == colour).all(-1).any()


def test_the_tasks_that_an_image_has():
    meta = dict(META, tasks=dict(scene=META, part=META))
    one = draw_masks(packed(gt_sem_seg_part=labels()), meta)
    both = draw_masks(packed(gt_sem_seg_part=labels(), gt_sem_seg_scene=labels()), meta)
    assert both.shape[1] > one.shape[1] + 80


def test_a_class_stands_below_its_image():
    sample = DataSample().set_gt_label(1)
    small = dict(inputs=torch.full((3, 8, 8), 7, dtype=torch.uint8), data_samples=sample)
    picture = draw_class(small, META)
    assert picture.shape == (160 + 22, 160, 3)
    assert (picture[:160] == 7).all()
    assert (picture[160:] < 128).any()
    # The name, not the number, and no name where there are none.
    assert np.array_equal(picture, draw_class(small, dict(classes=('x', 'ball'))))
    assert not np.array_equal(picture, draw_class(small, dict(classes=('x', 'nut'))))
    assert not np.array_equal(picture, draw_class(small, {}))


@pytest.mark.parametrize(('draw', 'word'), [(draw_masks, 'PackSegInputs'), (draw_class, 'PackInp')])
def test_other_samples(draw, word):
    with pytest.raises(UserError, match=word):
        draw(dict(inputs=torch.zeros(3, 4, 4)), META)


def test_samples_of_recipes(repo, tmp_path):
    for kind in ('images', 'masks'):
        (tmp_path / kind / 'train').mkdir(parents=True)
    random = np.random.default_rng(0)
    for k in range(3):
        image = random.integers(0, 255, (200, 300, 3)).astype(np.uint8)
        Image.fromarray(image).save(tmp_path / f'images/train/{k}.jpg')
        Image.fromarray(image[..., 0] % 2).save(tmp_path / f'masks/train/{k}.png')
        (tmp_path / f'train/{k}').mkdir(parents=True)
        Image.fromarray(image).save(tmp_path / f'train/{k}/{k}.jpg')
    recipes = {
        'stacked_unet/sunet_nano_own_masks': ('ground', 'ball'),
        'bag_of_tricks/resnet18_d_nano_own_folders': ('0', '1', '2'),
    }
    for name, classes in recipes.items():
        cfg = Config.fromfile(repo / f'configs/{name}.py')
        set_classes(cfg, classes)
        cfg.train_dataloader.dataset.data_root = str(tmp_path)
        three = dict(browse(cfg, 3))
        assert list(three) == ['000000_0.png', '000001_1.png', '000002_2.png']
        ((found, picture),) = browse(cfg, 1, start=2)
        assert np.array_equal(picture, three[found])  # the same random numbers
        with pytest.raises(UserError, match='start=3'):
            next(browse(cfg, 1, start=3))
