"""Contract cases of stacked_unet."""

from tests.contract.case import IMAGE, ModelCase

MODELS = {
    # A 7x7 convolution; a residual block; modules of a 1x1 convolution, eight (in block 4: four)
    # 3x3 ones, of which the second of two ways up reads 24 channels, and a 1x1 one; four shortcuts;
    # the outputs' norms. Biases and two numbers of each norm everywhere.
    'StackedUNet': ModelCase(
        dict(
            arch=dict(filters=12, modules=(1, 1, 1, 1), channels=(8, 10, 12, 14), stem_channels=3),
            out_indices=(0, 3),
        ),
        [IMAGE],
        [(2, 8, 16, 24), (2, 14, 2, 3)],
        (147 * 3 + 3)
        + (2 * 3 + 28 * 6 + 2 * 6 + 55 * 6 + 4 * 6)
        + sum(
            (2 * i + (i + 1) * 12)
            + (8 if levels == 2 else 4) * (2 * 12 + 109 * 12)
            + (2 * 12 + 108 * 12 if levels == 2 else 0)
            + (2 * 12 + 13 * o)
            + (i + 1) * o
            for i, o, levels in ((6, 8, 2), (8, 10, 2), (10, 12, 2), (12, 14, 1))
        )
        + 2 * (8 + 14),
    ),
    # Two 3x3 convolutions with norms, a classifier
    'DeGriddingHead': ModelCase(
        dict(in_channels=6, channels=4, num_classes=3),
        [[(2, 6, 8, 12)]],
        [(2, 3, 8, 12)],
        (55 * 4 + 8) + (37 * 4 + 8) + 5 * 3,
    ),
    # AlexNet's 61,100,840 less its three fully connected layers
    'FCNFeatures': ModelCase(
        dict(name='alexnet', fully_connected=False),
        [IMAGE],
        [(2, 64, 7, 11), (2, 192, 3, 5), (2, 256, 1, 2)],
        61_100_840 - 9217 * 4096 - 4097 * 4096 - 4097 * 1000,
    ),
    # A classifier on each level; upsampling by 2 and by 8
    'FCNSkipHead': ModelCase(
        dict(in_channels=(4, 6), strides=(8, 16), num_classes=3),
        [[(2, 4, 8, 12), (2, 6, 4, 6)]],
        [(2, 3, 64, 96)],
        (5 + 7) * 3 + (4**2 + 16**2) * 9,
    ),
}
