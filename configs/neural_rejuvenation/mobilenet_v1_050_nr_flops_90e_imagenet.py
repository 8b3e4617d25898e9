# MobileNet-0.50, ImageNet at 128x128, NR-CA-BR with the number of multiply-adds kept.
#   tools/dist_train.sh configs/neural_rejuvenation/mobilenet_v1_050_nr_flops_90e_imagenet.py 8
# Hardware: 8 GPUs x 32 images. Expected: 40.12 % top-1 error (Table 5-III, row 1). Obtained: not
# run.
_base_ = './mobilenet_v1_050_baseline_90e_imagenet.py'

custom_hooks = [
    *_base_.custom_hooks,
    dict(
        _base_.rejuvenation,
        variant='NR-CA',
        rescale=True,
        resource='flops',
        input_shape=(3, 128, 128),
    ),
]
