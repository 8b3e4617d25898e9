# phi-1: one layer, on the activations of a ResNet-50 trained on 900 classes of ImageNet.
#   python tools/train.py configs/few_shot/phi1_resnet50_imagenet900.py
# Hardware: one GPU. Table 2-I, top-1 on large / few classes:
# 72.56 / 19.88 with 1 sample, 71.56 / 28.72 with 3.
# Obtained: not run.
_base_ = '../_base_/few_shot_predictor.py'

model = dict(predictor=dict(depth=1))
