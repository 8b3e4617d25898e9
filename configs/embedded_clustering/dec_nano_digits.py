# DEC on 1,797 small digits, from autoencoder_nano_digits.py.
#   python tools/train.py configs/embedded_clustering/dec_nano_digits.py
# Hardware: one CPU core, a minute. Not in the document; its page in docs/methods has the numbers.
_base_ = ['../_base_/embedded_clustering_dec.py', '../_base_/datasets/digits_vectors.py']

interval = 20
model = dict(
    encoder=dict(
        channels=(64, 500, 500, 2000, 10),
        init_cfg=dict(
            type='Pretrained',
            checkpoint='work_dirs/autoencoder_nano_digits/iter_2400.pth',
            prefix='encoder.',
        ),
    )
)
train_dataloader = dict(dataset=_base_.small_digits)
test_dataloader = dict(dataset=_base_.small_digits)
train_cfg = dict(max_iters=40 * interval)
custom_hooks = [*_base_.common_hooks, dict(_base_.renewal, interval=interval)]
default_hooks = dict(checkpoint=dict(interval=40 * interval), logger=dict(interval=5 * interval))
