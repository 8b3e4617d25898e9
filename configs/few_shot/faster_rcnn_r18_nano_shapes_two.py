# The detector of faster_rcnn_r18_nano_shapes.py without the star and the crescent, to be taught
# both (docs/methods/few_shot.md): "none of the known classes" does not say which of two it is.
#   python tools/datasets/make_shapes.py --train 3200 --val 300 --out data/shapes_more
#   mmvisx few-shot hold-out-boxes data/shapes_more/coco/annotations/instances_train.json \
#       star crescent
#   python tools/train.py configs/few_shot/faster_rcnn_r18_nano_shapes_two.py
# Hardware: one CPU core, 3 minutes. Obtained (three seeds): AP50 56.6, 56.8, 60.2 of four shapes.
_base_ = 'faster_rcnn_r18_nano_shapes.py'

max_epochs = 13  # 757 images: as many iterations as with one class held out
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = [_base_.warm_up, dict(_base_.cosine, end=max_epochs, T_max=max_epochs)]

data_root = 'data/shapes_more/coco/'
large = dict(classes=('disc', 'square', 'triangle', 'cross'))
train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/instances_train_without_star_crescent.json',
        metainfo=large,
    )
)
val_dataloader = dict(dataset=dict(data_root=data_root, metainfo=large))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + 'annotations/instances_val.json')
test_evaluator = val_evaluator
model = dict(roi_head=dict(bbox_head=dict(num_classes=4)))
