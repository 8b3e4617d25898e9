# Rendered clips of shapes that move on a plane, 160x96: pairs of frames to train on, whole clips
# to test on.
#   python tools/datasets/make_shapes_video.py --out data/shapes_video
data_root = 'data/shapes_video/'

train_pipeline = [
    dict(type='mmvisx.LoadPanopticFrames'),
    dict(type='mmvisx.RandomFrameScale', scales=(0.8, 0.9, 1.0, 1.1, 1.25)),
    dict(type='mmvisx.RandomFrameCrop', size=(96, 160), pad=True),
    dict(type='mmvisx.RandomFrameFlip'),
    # Objects are a sixth of the size that the defaults are meant for.
    dict(type='mmvisx.GeneratePanopticTargets', sigma=4.0, small_area=256),
    dict(type='mmvisx.PackPanopticFrames'),
]
test_pipeline = [
    dict(type='mmvisx.LoadPanopticFrames'),
    dict(type='mmvisx.PackPanopticFrames'),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='mmvisx.ShapesVideoDataset',
        data_root=data_root,
        folder='train',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmvisx.ShapesVideoDataset',
        data_root=data_root,
        folder='val',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='mmvisx.DVPQMetric')
test_evaluator = val_evaluator
