# The wide network of the authors' code on the 80 large classes of mini-ImageNet (001, 2.2.4.2).
#   python tools/train.py configs/few_shot/wrn28_10_mini_imagenet.py
#   mmvisx few-shot build-bank CONFIG CHECKPOINT --split few_all --out data/banks/mini_few
#   mmvisx few-shot episodes --few data/banks/mini_few --predictor phi-2=CHECKPOINT
# Hardware: one GPU. Table 2-III, 5-way: 59.60 with 1 sample, 73.74 with 5. Obtained: not run.
_base_ = './four_conv_mini_imagenet.py'

model = dict(
    backbone=dict(_delete_=True, type='mmvisx.PostActivationWideResNet', depth=28, widen=10),
    head=dict(in_channels=640),
)

# "The training process follows WRN-28-10" on CIFAR-100: Zagoruyko and Komodakis, section 3.
train_dataloader = dict(batch_size=128)
max_epochs = 200
train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(nesterov=True))
param_scheduler = dict(milestones=[60, 120, 160], gamma=0.2)
