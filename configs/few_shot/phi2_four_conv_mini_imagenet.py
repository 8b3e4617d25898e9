# phi-2: two layers, on the activations of the simple network for mini-ImageNet
# (four_conv_mini_imagenet.py; banks by mmvisx few-shot build-bank, folders as below).
#   python tools/train.py configs/few_shot/phi2_four_conv_mini_imagenet.py
# Hardware: one CPU core or GPU. Expected: as in four_conv_mini_imagenet.py. Obtained: not run.
_base_ = '../_base_/few_shot_predictor.py'

# As in the authors' code; the document's text has those of ImageNet, 0.9 and 300 epochs.
epoch = 250  # steps
max_iters = 50 * epoch
model = dict(predictor=dict(channels=64))
train_dataloader = dict(dataset=dict(steps=max_iters, p_mean=0.3))
train_cfg = dict(max_iters=max_iters, val_interval=max_iters // 5)
val_evaluator = dict(num_large=80)
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(interval=max_iters // 5))
