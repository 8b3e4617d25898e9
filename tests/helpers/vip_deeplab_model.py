"""A small ViP-DeepLab, and how many parameters its parts have."""

import torch
from mmengine.structures import BaseDataElement, PixelData

WIDTH = 1 / 16
CHANNELS = (16, 32, 128)  # of WideResNet41 at strides 4, 8 and 16
DECODER = dict(projections=(3, 2), channels=6, head_channels=5, context_channels=4)


def config(**changes):
    """Arguments of the model: two things, two classes of stuff."""
    return (
        dict(
            backbone=dict(type='mmvisx.WideResNet41', width=WIDTH, drop_path_rate=0.0),
            num_classes=4,
            in_channels=CHANNELS,
            in_strides=(4, 8, 16),
            semantic=DECODER,
            instance=DECODER,
            next_frame=DECODER,
            depth_head=dict(channels=5, max_depth=20.0),
            test_cfg=dict(thing_labels=(0, 1), stuff_share=0.0),
        )
        | changes
    )


def conv(inputs, outputs, side):
    """A convolution without bias, and its norm."""
    return inputs * outputs * side * side + 2 * outputs


def backbone_parameters(width=1.0):
    """Of each stage of WideResNet41, the stem first."""
    stem = int(64 * width)
    found, inputs = [conv(3, stem, 3)], stem
    for blocks, base in ((3, 128), (3, 256), (6, 512), (3, 1024)):
        channels = int(base * width)
        first = conv(inputs, channels, 3) + conv(channels, channels, 3) + conv(inputs, channels, 1)
        found.append(first + (blocks - 1) * 2 * conv(channels, channels, 3))
        inputs = channels
    a, b, c = (int(base * width) for base in (512, 1024, 2048))
    each = conv(a, b, 3) + conv(b, c, 1)
    found.append(conv(inputs, a, 1) + each + conv(inputs, c, 1) + 2 * (conv(c, a, 1) + each))
    return found


def pyramid_parameters(inputs, channels, dilations=3):
    """A 1x1, 3x3 ones and one of the mean, joined by a 1x1."""
    branches = 2 * conv(inputs, channels, 1) + dilations * conv(inputs, channels, 3)
    return branches + conv((dilations + 2) * channels, channels, 1)


def separable(inputs, outputs):
    """5x5 of each channel, then 1x1."""
    return 25 * inputs + 2 * inputs + conv(inputs, outputs, 1)


def decoder_parameters(high, low, projections, channels, context=256, modules=1):
    """Pyramids, of which each reads all before it, and one fusion for each finer map."""
    reads = [high, *(context * n for n in range(1, modules))]
    total = sum(pyramid_parameters(n, context) for n in reads)
    inputs = context
    for fine, projection in zip(low, projections, strict=True):
        total += conv(fine, projection, 1) + separable(inputs + projection, channels)
        inputs = channels
    return total


def head_parameters(inputs, channels, outputs):
    """A separable convolution and a 1x1 with bias."""
    return separable(inputs, channels) + (channels + 1) * outputs


def nano_parameters():
    """Of the whole small model."""
    fine, eighth, high = CHANNELS
    options = dict(low=(eighth, fine), projections=(3, 2), channels=6, context=4)
    decoders = 2 * decoder_parameters(high, **options)
    decoders += decoder_parameters(2 * high, modules=4, **options)
    heads = sum(head_parameters(6, 5, outputs) for outputs in (4, 1, 2, 2, 1))
    return sum(backbone_parameters(WIDTH)) + decoders + heads


def targets(height, width, pairs=True, seed=0):
    """A sample with drawn targets."""
    draw = torch.Generator().manual_seed(seed)

    def mask():
        return torch.rand(1, height, width, generator=draw) < 0.5

    names = ('offset', 'next_offset') if pairs else ('offset',)
    maps = dict(
        semantic=torch.randint(0, 4, (1, height, width), generator=draw),
        semantic_weight=1.0 + 2.0 * mask(),
        centre=torch.rand(1, height, width, generator=draw),
        centre_mask=mask(),
        depth=20 * torch.rand(1, height, width, generator=draw) * mask(),
    )
    for name in names:
        maps[name] = 9 * torch.randn(2, height, width, generator=draw)
        maps[f'{name}_mask'] = mask()
    return BaseDataElement(gt_targets=PixelData(**maps))
