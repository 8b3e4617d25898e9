# Test-time augmentation for `tools/test.py --tta`: short edges of 800 to 1600 in steps of 200, the
# long edge at most 1.5 times that, each also mirrored: 10 views (001, 6.5.1).
tta_model = dict(
    type='mmvisx.DetTTAModel',
    tta_cfg=dict(nms=dict(type='nms', iou_threshold=0.5), max_per_img=100),
)
tta_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(
        type='TestTimeAug',
        transforms=[
            [
                dict(type='Resize', scale=(short * 3 // 2, short), keep_ratio=True)
                for short in range(800, 1601, 200)
            ],
            [dict(type='RandomFlip', prob=0.0), dict(type='RandomFlip', prob=1.0)],
            # After the flip, for the annotations stay as they are.
            [dict(type='mmvisx.LoadAnnotations', with_bbox=True)],
            [
                dict(
                    type='PackDetInputs',
                    meta_keys=(
                        'img_id',
                        'img_path',
                        'ori_shape',
                        'img_shape',
                        'scale_factor',
                        'flip',
                        'flip_direction',
                    ),
                )
            ],
        ],
    ),
]
