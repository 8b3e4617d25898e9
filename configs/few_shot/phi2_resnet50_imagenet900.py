# phi-2: two layers, on the activations of a ResNet-50 trained on 900 classes of ImageNet.
#   python tools/train.py configs/few_shot/phi2_resnet50_imagenet900.py
# Hardware: one GPU. Table 2-I, top-1 on large / few classes:
# 74.17 / 21.58 with 1 sample, 72.98 / 31.20 with 3.
# Obtained: not run.
_base_ = '../_base_/few_shot_predictor.py'
