# Joint and separate training in small: a Stacked U-Net for classes and for parts of the rendered
# shapes, 600 images of each. Every task sees as many images in every row. One CPU core.
#   python tools/datasets/make_shapes.py --train 1200 --val 200 --parts
#   python tools/run_series.py configs/_series_/multi_task_shapes.py
_config = 'configs/multi_task/sunet_{}_nano_shapes.py'

rows = {
    'classes alone': dict(config=_config.format('semantic')),
    'parts alone': dict(config=_config.format('part')),
    'jointly, asynchronous SGD': dict(config=_config.format('async')),
    'jointly, plain SGD': dict(config=_config.format('sgd')),
}
metrics = {
    'semantic/mIoU': 'classes mIoU',
    'semantic/val_loss': 'classes loss',
    'part/mIoU': 'parts mIoU',
    'part/val_loss': 'parts loss',
}
