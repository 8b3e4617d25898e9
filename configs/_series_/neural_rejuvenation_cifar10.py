# Tables 5-I and 5-IV in small, on the 1,500 + 1,000 PNGs of CIFAR-10 at 16x16 pixels,
# with VGG-11 and ResNet-20, 144,216 and 53,656 weights of convolutions. One CPU core.
#   python tools/run_series.py configs/_series_/neural_rejuvenation_cifar10.py
# The rows train for about as many epochs: 15 the baselines; the others until utilization is low,
# some 5, and 10 more. "half" is compressed to half of the weights of the convolutions.
_config = 'configs/neural_rejuvenation/{}_nano_cifar10.py'


def _nr(network, variant, rescale=False, **more):
    options = {'custom_hooks.3.variant': variant, 'custom_hooks.3.rescale': rescale}
    for key, value in more.items():
        options[f'custom_hooks.3.{key}'] = value
    return dict(config=_config.format(f'{network}_nr'), options=options)


rows = {
    'VGG baseline': dict(config=_config.format('vgg11')),
    'VGG NR': _nr('vgg11', 'NR'),
    'VGG NR-BR': _nr('vgg11', 'NR', True),
    'VGG NR-CR': _nr('vgg11', 'NR-CR'),
    'VGG NR-CR-BR': _nr('vgg11', 'NR-CR', True),
    'VGG NR-CA': _nr('vgg11', 'NR-CA'),
    'VGG NR-CA-BR': _nr('vgg11', 'NR-CA', True),
    'VGG NR-FS': _nr('vgg11', 'NR-FS'),
    'VGG half, NR-CR': _nr('vgg11', 'NR-CR', target=0.5, threshold=0.25, fixed_lambda=0.01),
    'VGG half, slimming': dict(config=_config.format('vgg11_slimming_half')),
    'ResNet baseline': dict(config=_config.format('resnet20')),
    'ResNet NR-BR': _nr('resnet20', 'NR', True),
    'ResNet NR-CR-BR': _nr('resnet20', 'NR-CR', True),
    'ResNet NR-CA-BR': _nr('resnet20', 'NR-CA', True),
    # A quarter is out of reach where the residual stream stays.
    'ResNet half, NR-CR': _nr('resnet20', 'NR-CR', target=0.5, threshold=0.45, fixed_lambda=0.008),
    'ResNet half, slimming': dict(config=_config.format('resnet20_slimming_half')),
}
metrics = {'accuracy/top1': 'top-1', 'accuracy/top5': 'top-5'}
