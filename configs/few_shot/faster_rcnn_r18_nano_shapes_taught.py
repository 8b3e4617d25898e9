# The detector of faster_rcnn_r18_nano_shapes.py with the crescent, to test a taught checkpoint.
#   mmvisx few-shot build-box-bank configs/few_shot/faster_rcnn_r18_nano_shapes.py \
#       work_dirs/faster_rcnn_r18_nano_shapes/epoch_12.pth --out banks/shapes
#   mmvisx few-shot teach-boxes configs/few_shot/faster_rcnn_r18_nano_shapes.py \
#       work_dirs/faster_rcnn_r18_nano_shapes/epoch_12.pth --bank banks/shapes --boxes 3 --add \
#       data/shapes/coco/annotations/instances_train_only_crescent.json data/shapes/coco/train \
#       --save taught.pth
#   python tools/test.py configs/few_shot/faster_rcnn_r18_nano_shapes_taught.py taught.pth
# The table of three seeds is in docs/methods/few_shot.md.
_base_ = 'faster_rcnn_r18_nano_shapes.py'

classes = (*_base_.large.classes, 'crescent')
val_dataloader = dict(dataset=dict(metainfo=dict(classes=classes)))
test_dataloader = val_dataloader
