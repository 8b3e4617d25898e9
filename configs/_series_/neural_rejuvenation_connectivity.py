# Neural Rejuvenation where no image is seen twice (are two marked cells of a grid connected?):
# VGG-11 with an eighth of the channels, 145,000 weights. The rejuvenated rows train under the
# penalty until three tenths of the weights are in use, and 1,500 steps after that. The baseline has
# 1,500 steps as well, "longer" 700 more, in the place of those before the event. The half-size
# network is a member of an ensemble of two, which may be all that two heads amount to: test seeds 0
# and 5, 1 and 6, ... together,
#   python tools/test.py configs/neural_rejuvenation/vgg11_half_nano_connectivity.py \
#       work_dirs/neural_rejuvenation_connectivity/half_size_longer/seed_{0,5}/iter_2200.pth
# One CPU core, 3 to 4 minutes each.
#   python tools/run_series.py configs/_series_/neural_rejuvenation_connectivity.py \
#       --seeds 0 1 2 3 4
_config = 'configs/neural_rejuvenation/{}_nano_connectivity.py'
_hook = 'custom_hooks.NeuralRejuvenationHook'


def _nr(variant, two_heads=False):
    options = {f'{_hook}.variant': variant, f'{_hook}.two_heads': two_heads}
    if two_heads:
        options['model.head.type'] = 'mmvisx.TwoHeadLinearClsHead'
    return dict(config=_config.format('vgg11_nr'), options=options)


rows = {
    'baseline': dict(config=_config.format('vgg11')),
    'baseline, longer': dict(
        config=_config.format('vgg11'),
        options={
            'train_cfg.max_iters': 2200,
            'param_scheduler.MultiStepLR.milestones': [1700, 1950],
        },
    ),
    'NR': _nr('NR'),
    'NR-CR': _nr('NR-CR'),
    'NR-CR, two heads': _nr('NR-CR', True),
    'half size, longer': dict(config=_config.format('vgg11_half')),
}
baseline = 'baseline'
pairs = [
    ('NR', 'baseline, longer'),
    ('NR-CR', 'baseline, longer'),
    ('NR-CR, two heads', 'baseline, longer'),
    ('NR-CR, two heads', 'NR-CR'),
]
metrics = {'accuracy/top1': 'top-1', 'nr_utilization': 'utilization'}
