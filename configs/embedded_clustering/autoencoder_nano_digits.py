# The autoencoder that dec_nano_digits.py starts from: of 1,797 small digits, with Adam.
#   python tools/train.py configs/embedded_clustering/autoencoder_nano_digits.py
# Hardware: one CPU core, a minute. Not in the document; its page in docs/methods has the numbers.
_base_ = ['../_base_/embedded_clustering_autoencoder.py', '../_base_/datasets/digits_vectors.py']

model = dict(channels=(64, 500, 500, 2000, 10))
train_dataloader = dict(dataset=_base_.small_digits)
train_cfg = dict(stages=[300, 300, 300, 300, 1200])
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='Adam', lr=1e-3), paramwise_cfg=dict(_delete_=True)
)
param_scheduler = []
default_hooks = dict(checkpoint=dict(interval=2400), logger=dict(interval=100))
