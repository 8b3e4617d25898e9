# The nano DetectoRS on objects of 6 to 90 % of the image's side, hidden to 75 % at most, whose
# class depends on the stuff around them; counted in iterations of 8 images.
#   python tools/datasets/make_shapes.py --out data/shapes_context --train 3000 --val 1000 \
#       --min-objects 3 --max-objects 8 --sizes 0.06 0.9 --visibility 0.25 --context --workers 8
#   python tools/train.py configs/detectors/htc_rfp_sac_nano_context.py
# Hardware: a part of a GPU, minutes. Not in the document. Obtained: see the series
# configs/_series_/detectors_context.py, which starts from weights of htc_ws_nano_context.py.
_base_ = './htc_rfp_sac_nano_shapes.py'

data_root = 'data/shapes_context/coco/'
max_iters = 900
metainfo = dict(
    classes=(
        'floating disc', 'floating triangle', 'floating cross',
        'standing disc', 'standing triangle', 'standing cross',
    ),
)  # fmt: skip

train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    dataset=dict(data_root=data_root, metainfo=metainfo),
)
# All images have one size: nothing is padded, whatever the batch.
val_dataloader = dict(
    batch_size=20, num_workers=1, dataset=dict(data_root=data_root, metainfo=metainfo)
)
test_dataloader = val_dataloader

val_evaluator = dict(
    ann_file=data_root + 'annotations/instances_val.json',
    subsets=dict(
        below_15=('side', 0, 0.15),
        from_15_to_40=('side', 0.15, 0.4),
        above_40=('side', 0.4, 2),
        half_hidden=('visibility', 0, 0.6),
        partly_hidden=('visibility', 0.6, 0.95),
        whole=('visibility', 0.95, 2),
    ),
)
test_evaluator = val_evaluator

train_cfg = dict(
    _delete_=True, type='IterBasedTrainLoop', max_iters=max_iters, val_interval=max_iters
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(
        type='CosineAnnealingLR',
        eta_min=1e-5,
        by_epoch=False,
        begin=0,
        end=max_iters,
        T_max=max_iters,
    ),
]
default_hooks = dict(
    checkpoint=dict(by_epoch=False, interval=max_iters, max_keep_ckpts=1),
)
log_processor = dict(by_epoch=False)
