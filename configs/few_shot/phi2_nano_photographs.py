# phi-2: two layers, on the activations of the simple network for the photographs
# (four_conv_nano_photographs.py; banks by mmvisx few-shot build-bank, folders as below).
#   python tools/train.py configs/few_shot/phi2_nano_photographs.py
# Hardware: one CPU core, minutes. Not in the document; numbers: docs/methods/few_shot.md.
_base_ = '../_base_/few_shot_predictor.py'

epoch = 250  # steps
max_iters = 50 * epoch  # as with mini-ImageNet
model = dict(predictor=dict(channels=64))
train_dataloader = dict(dataset=dict(steps=max_iters))
train_cfg = dict(max_iters=max_iters, val_interval=max_iters // 4)
val_evaluator = dict(num_large=60)
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(interval=max_iters), logger=dict(interval=1000))
