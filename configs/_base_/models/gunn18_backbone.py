# GUNN-18 in the place of a ResNet-50 in detectors and segmentors, with the weights of ImageNet.
gunn_channels = [400, 800, 1600, 2000]
gunn_backbone = dict(
    _delete_=True,
    type='mmvisx.GUNN',
    arch='gunn18',
    out_indices=(0, 1, 2, 3),
    frozen_stages=1,
    norm_eval=True,
    init_cfg=dict(
        type='Pretrained',
        checkpoint='work_dirs/gunn18_90e_imagenet/epoch_90.pth',
        prefix='backbone.',
    ),
)
