# phi-2*: two layers, only mean activations (Eq. 2.1),
# on the activations of a ResNet-50 trained on 900 classes of ImageNet.
#   python tools/train.py configs/few_shot/phi2_star_resnet50_imagenet900.py
# Hardware: one GPU. Table 2-I, top-1 on large / few classes:
# 75.63 / 14.32 with 1 sample, 75.34 / 22.32 with 3.
# Obtained: not run.
_base_ = '../_base_/few_shot_predictor.py'

train_dataloader = dict(dataset=dict(p_mean=1.0))
