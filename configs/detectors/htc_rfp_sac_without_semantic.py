# DetectoRS for data without stuff maps: boxes and masks only. Start here for your own data.
#   tools/train.py configs/detectors/htc_rfp_sac_without_semantic.py
# Hardware, schedule and data as htc_rfp_sac.py. Not in the document; not run.
_base_ = './htc_rfp_sac.py'

model = dict(
    data_preprocessor=dict(pad_seg=False),
    roi_head=dict(semantic_roi_extractor=None, semantic_head=None),
)

train_pipeline = [
    dict(type='mmvisx.LoadImageFromFile'),
    dict(type='mmvisx.LoadAnnotations', with_bbox=True, with_mask=True),
    dict(type='Resize', scale=(1333, 800), keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
train_dataloader = dict(
    dataset=dict(
        data_prefix=dict(_delete_=True, img='train2017/'),
        pipeline=train_pipeline,
    )
)
