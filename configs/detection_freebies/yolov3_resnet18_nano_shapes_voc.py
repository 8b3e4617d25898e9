# Nano twin of the baseline of Table 5.2: YOLOv3 with a small ResNet-18, trained from scratch on the
# rendered shapes, on a CPU.
#   python tools/datasets/make_shapes.py --train 1200 --val 200
#   python tools/train.py configs/detection_freebies/yolov3_resnet18_nano_shapes_voc.py
# Hardware: one CPU core, about a minute. Obtained: mAP (11 points) 17.8 +- 1.2
# on 200 held-out images (three seeds), far from trained out: to try things only.
_base_ = [
    '../_base_/models/yolov3_d53.py',
    '../_base_/benchmarks/shapes_voc_mix_nano.py',
]

# The full-size recipe's augmentation, milder: these objects have 14 to 45 pixels.
augment = [
    dict(type='PhotoMetricDistortion'),
    dict(
        type='RandomCrop',
        crop_size=(0.8, 0.8),
        crop_type='relative_range',
        allow_negative_crop=False,
    ),
    _base_.resize,
    _base_.flip,
    _base_.pack,
]
train_dataloader = dict(dataset=dict(pipeline=augment))

model = dict(
    data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
    backbone=dict(
        _delete_=True,
        type='ResNet',
        depth=18,
        base_channels=16,
        num_stages=4,
        out_indices=(1, 2, 3),
        norm_eval=False,
        zero_init_residual=False,
    ),
    neck=dict(in_channels=[128, 64, 32], out_channels=[64, 48, 48]),
    bbox_head=dict(
        num_classes=6,
        in_channels=[64, 48, 48],
        out_channels=[64, 64, 64],
        anchor_generator=dict(
            # Means of nine clusters of the data set's boxes.
            base_sizes=[
                [(36, 39), (42, 37), (44, 45)],
                [(26, 27), (31, 28), (32, 33)],
                [(14, 14), (17, 17), (22, 22)],
            ],
        ),
    ),
    test_cfg=dict(max_per_img=50),
)
