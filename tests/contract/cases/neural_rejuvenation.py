"""Contract cases of neural_rejuvenation."""

from tests.contract.case import IMAGE, HookCase, ModelCase

MODELS = {
    # A linear layer, until a rejuvenation splits it
    'TwoHeadLinearClsHead': ModelCase(
        dict(num_classes=10, in_channels=64), [[(2, 64)]], [(2, 10)], 650
    ),
    # VGG-11 of 4, 8, 16, 16, 32, 32, 32 and 32 channels, two numbers of each norm
    'ConvVGG': ModelCase(
        dict(depth=11, base_channels=4),
        [IMAGE],
        [(2, 32, 2, 3)],
        9 * (3 * 4 + 4 * 8 + 8 * 16 + 16 * 16 + 16 * 32 + 3 * 32 * 32) + 2 * 172,
    ),
    # Stem, layers on 8 and 12 channels, 16 to 8, layers on 8, 12 and 16, two numbers of each norm
    'PostActivationDenseNet': ModelCase(
        dict(arch=(2, 3), growth=4),
        [IMAGE],
        [(2, 20, 32, 48)],
        27 * 8 + 16 * (8 + 12) + 16 * 8 + 16 * (8 + 12 + 16) + 5 * 9 * 16 * 4 + 2 * 116,
    ),
    # A bottleneck with a projection in each of three stages
    'CifarBottleneckResNet': ModelCase(
        dict(depth=11),
        [(2, 3, 32, 32)],
        [(2, 256, 8, 8)],
        27 * 16
        + sum(i * c + 13 * c**2 + 4 * i * c for i, c in ((16, 16), (64, 32), (128, 64)))
        + 2 * (16 + 10 * 112),
    ),
}


SHAPE = dict(input_shape=(3, 16, 16))
HOOKS = {
    'NeuralRejuvenationHook': HookCase(
        dict(SHAPE, threshold=0.9, lambda_interval=1, window=(0, 1), num_rejuvenations=1),
        changes_model=True,
    ),
    'NetworkSlimmingHook': HookCase(dict(target=0.5, prune_epoch=1), changes_model=True),
    'CrossAttentionBaselineHook': HookCase(SHAPE, changes_model=True),
}
