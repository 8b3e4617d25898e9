"""Stacked U-Nets a second time, from the layer list of the published code, as functions.

Nothing here reads ``mmvisx``. Weights have the names and shapes of the published checkpoints;
what a layer does (stride, dilation, padding) stands in the tables below.
"""

import torch
import torch.nn.functional as F

# filters inside, modules of the four blocks, channels of the blocks.
PUBLISHED = {
    'sunet64': (64, (2, 4, 4, 1), (256, 512, 768, 1024)),
    'sunet128': (128, (2, 4, 4, 1), (512, 1024, 1536, 2048)),
    'sunet7128': (128, (2, 7, 7, 1), (512, 1280, 2048, 2304)),
}
LEVELS = (2, 2, 2, 1)
# Per level, the outer first: dilations of conv1, conv2, deconv0 and deconv1. None: strides.
STRIDED = (None, None)
DILATIONS = {
    32: (STRIDED, STRIDED, STRIDED, (None,)),
    16: (STRIDED, STRIDED, STRIDED, ((2, 4, 4, 2),)),
    8: (STRIDED, STRIDED, ((2, 4, 4, 2), (4, 8, 8, 4)), ((4, 8, 8, 4),)),
}
POOLED = {32: (True, True, True), 16: (True, True, False), 8: (True, False, False)}


def published_shapes(filters, modules, channels, stem=64, classes=1000):
    """Return the shape of every weight under its published name."""
    shapes = {}

    def norm(name, width):
        for part in ('weight', 'bias', 'running_mean', 'running_var'):
            shapes[f'{name}.{part}'] = (width,)

    def conv(name, ins, outs, side, transposed=False):
        first = (ins, outs) if transposed else (outs, ins)
        shapes[f'{name}.weight'] = (*first, side, side)
        shapes[f'{name}.bias'] = (outs,)

    conv('features.conv1', 3, stem, 7)
    norm('features.residual1.bn.0', stem)
    conv('features.residual1.conv.0', stem, 2 * stem, 3)
    norm('features.residual1.conv.2', 2 * stem)
    conv('features.residual1.conv.4', 2 * stem, 2 * stem, 3)
    conv('features.residual1.shortcut.0', stem, 2 * stem, 1)
    ins = 2 * stem
    for block, count in enumerate(modules):
        outs, levels = channels[block], LEVELS[block]
        for index in range(count):
            name = f'features.unet{block + 1}_{index}'
            if ins != outs:
                norm(f'{name}.bn.bn0', ins)
                conv(f'{name}.upsample.conv0', ins, outs, 1)
            else:
                norm(f'{name}.down.0.bn0', ins)
            conv(f'{name}.down.0.conv0', ins, filters, 1)
            for level in range(levels):
                for step in (1, 2):
                    norm(f'{name}.down.{level}.bn{step}', filters)
                    conv(f'{name}.down.{level}.conv{step}', filters, filters, 3)
                entry = filters if level == levels - 1 else 2 * filters
                norm(f'{name}.up.{level}.bn0', entry)
                conv(f'{name}.up.{level}.deconv0', entry, filters, 3, transposed=True)
                norm(f'{name}.up.{level}.bn1', filters)
                conv(f'{name}.up.{level}.deconv1', filters, filters, 3)
            norm(f'{name}.up.0.bn2', filters)
            conv(f'{name}.up.0.conv2', filters, outs, 1)
            ins = outs
    norm('features.bn2', ins)
    shapes['linear.weight'], shapes['linear.bias'] = (classes, ins), (classes,)
    return shapes


def random_weights(shapes, dtype=torch.float64):
    """Draw weights that keep the maps' size, and norms that are not the identity."""
    weights = {}
    for name, shape in shapes.items():
        value = torch.randn(shape, dtype=dtype)
        if len(shape) == 4:
            value *= (2 / (shape[1] * shape[2] * shape[3])) ** 0.5
        elif len(shape) == 2:
            value *= shape[1] ** -0.5
        elif name.endswith('running_var'):
            value = torch.rand(shape, dtype=dtype) + 0.5
        elif name.endswith('weight'):
            value = torch.rand(shape, dtype=dtype) / 2 + 0.75
        else:
            value *= 0.1
        weights[name] = value
    return weights


def published_features(weights, x, modules, output_stride):
    """Map images to the features in front of the classifier, in evaluation mode."""

    def relu_norm(name, value):
        parts = (weights[f'{name}.{p}'] for p in ('running_mean', 'running_var', 'weight', 'bias'))
        return F.batch_norm(value, *parts).relu()

    def conv(name, value, **how):
        return F.conv2d(value, weights[f'{name}.weight'], weights[f'{name}.bias'], **how)

    def unet(name, value, dilations):
        changes = f'{name}.upsample.conv0.weight' in weights
        active = relu_norm(f'{name}.bn.bn0' if changes else f'{name}.down.0.bn0', value)
        rest = conv(f'{name}.upsample.conv0', active) if changes else value
        value = conv(f'{name}.down.0.conv0', active)
        entries = []
        for level, dilated in enumerate(dilations):
            entries.append(value)
            first = dict(stride=2, padding=1)
            second = dict(padding=1)
            if dilated:
                first = dict(padding=dilated[0], dilation=dilated[0])
                second = dict(padding=dilated[1], dilation=dilated[1])
            down = f'{name}.down.{level}'
            value = conv(f'{down}.conv1', relu_norm(f'{down}.bn1', value), **first)
            value = conv(f'{down}.conv2', relu_norm(f'{down}.bn2', value), **second)
        for level, dilated in reversed(list(enumerate(dilations))):
            up = f'{name}.up.{level}'
            value = relu_norm(f'{up}.bn0', value)
            how = dict(stride=2, padding=1)
            # The published code has 1, which fits maps of even size.
            how['output_padding'] = [
                large - (2 * small - 1)
                for large, small in zip(entries[level].shape[2:], value.shape[2:], strict=True)
            ]
            last = dict(padding=1)
            if dilated:
                how = dict(padding=dilated[2], dilation=dilated[2])
                last = dict(padding=dilated[3], dilation=dilated[3])
            value = F.conv_transpose2d(
                value, weights[f'{up}.deconv0.weight'], weights[f'{up}.deconv0.bias'], **how
            )
            value = conv(f'{up}.deconv1', relu_norm(f'{up}.bn1', value), **last)
            if level:
                value = torch.cat([value, entries[level]], 1)
        return rest + conv(f'{name}.up.0.conv2', relu_norm(f'{name}.up.0.bn2', value))

    x = conv('features.conv1', x, stride=2, padding=3)
    active = relu_norm('features.residual1.bn.0', x)
    x = conv('features.residual1.conv.0', active, stride=2, padding=1)
    x = conv('features.residual1.conv.4', relu_norm('features.residual1.conv.2', x), padding=1)
    x = x + conv('features.residual1.shortcut.0', active, stride=2)
    for block, count in enumerate(modules):
        for index in range(count):
            name = f'features.unet{block + 1}_{index}'
            x = unet(name, x, DILATIONS[output_stride][block])
        if block < 3 and POOLED[output_stride][block]:
            # Even maps are as published; what is over of an odd one is averaged, too.
            x = F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
    return relu_norm('features.bn2', x)
