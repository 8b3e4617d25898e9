# Accuracy against the number of orderings (001, 4.3.2), on a task whose answer lies far away: are
# two marked cells of a random grid connected? 32 channels in P segments; GUNN updates them one
# after the other, SUNN all at once, with the same layers and as many parameters; NoRes is GUNN
# without its shortcut. One CPU core, a minute or two each.
#   python tools/run_series.py configs/_series_/gunn_connectivity.py --seeds 0 1 2 3 4
# With P = 1 GUNN is SUNN.
_kinds = {'SUNN': {'mode': 'simultaneous'}, 'GUNN': {}, 'NoRes': {'residual': False}}
_settings = [(kind, p) for p in (8, 1, 16, 4, 2) for kind in _kinds if (kind, p) != ('GUNN', 1)]

rows = {
    f'{kind}, P = {p}': dict(
        config='configs/gunn/gunn_nano_connectivity.py',
        options={
            'model.backbone.arch': [[32, p, 2, 1]],
            **{f'model.backbone.{key}': value for key, value in _kinds[kind].items()},
        },
    )
    for kind, p in _settings
}
pairs = [(f'{kind}, P = {p}', f'SUNN, P = {p}') for kind, p in _settings if kind != 'SUNN']
metrics = {'accuracy/top1': 'top-1'}
