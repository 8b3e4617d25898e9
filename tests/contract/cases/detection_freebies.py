"""Contract cases of detection_freebies."""

from tests.contract.case import ModelCase

MODELS = {
    # On each of three levels a 3x3 convolution with its norm, and a 1x1 one to 3 * (5 + 3)
    'SizeWeightedYOLOV3Head': ModelCase(
        dict(num_classes=3, in_channels=(8, 8, 8), out_channels=(8, 8, 8)),
        [[(2, 8, 3, 4), (2, 8, 6, 8), (2, 8, 12, 16)]],
        [(2, 24, 3, 4), (2, 24, 6, 8), (2, 24, 12, 16)],
        3 * (9 * 64 + 2 * 8 + 8 * 24 + 24),
    ),
}
