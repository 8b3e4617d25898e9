# Table 4-IV in small: GUNN-15, SUNN-15 and GUNN-15-NoRes with a fifth of the channels on 5,085 +
# 1,000 PNGs of CIFAR-10. Same layers, same 136,050 parameters. One GPU; not run.
#   python tools/run_series.py configs/_series_/gunn_cifar10.py --seeds 0 1 2 3 4
_config = 'configs/gunn/{}_nano_cifar10.py'

rows = {
    'SUNN-15': dict(config=_config.format('sunn15')),
    'GUNN-15': dict(config=_config.format('gunn15')),
    'GUNN-15-NoRes': dict(config=_config.format('gunn15_no_res')),
}
baseline = 'SUNN-15'
metrics = {'accuracy/top1': 'top-1', 'accuracy/top5': 'top-5'}
