"""Contract cases of gunn."""

from tests.contract.case import DatasetCase, ModelCase

MODELS = {
    # 1x1, 3x3, 1x1 with twice their 3 channels inside, a 1x1 beside them; two numbers of each norm
    'BottleneckUpdate': ModelCase(
        dict(in_channels=6, out_channels=3, shortcut_conv=True),
        [(2, 6, 7, 9)],
        [(2, 3, 7, 9)],
        (36 + 324 + 18 + 18) + 2 * (6 + 6 + 3 + 3),
    ),
    # The same without the 1x1, twice
    'GraduallyUpdated': ModelCase(
        dict(channels=6, num_segments=2),
        [(2, 6, 7, 9)],
        [(2, 6, 7, 9)],
        2 * ((36 + 324 + 18) + 2 * (6 + 6 + 3)),
    ),
    # Stem, entry and units of the first stage, of the second, final convolution
    'GUNN': ModelCase(
        dict(
            arch=[(6, 2, 2, 1), (8, 2, 1, 2)], stem='cifar', final_channels=5, out_indices=(0, 1, 2)
        ),
        [(2, 3, 12, 16)],
        [(2, 6, 12, 16), (2, 8, 6, 8), (2, 5, 6, 8)],
        (27 * 64 + 128)
        + (64 * 6 + 12 + 2 * 432)
        + (6 * 8 + 16 + 2 * (32 + 144 + 16 + 16 + 144 + 16 + 32 + 2 * 7 * 4))
        + (8 * 5 + 10),
    ),
}


DATASETS = {
    'GridConnectivity': DatasetCase(lambda folder: dict(number=7, side=8, seed=3), 7, 2),
}
