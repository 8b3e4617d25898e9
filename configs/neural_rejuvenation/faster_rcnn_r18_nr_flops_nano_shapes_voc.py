# Nano twin of faster_rcnn_r50_nr_flops_fpn_coco.py: a small ResNet-18, trained from scratch on the
# rendered shapes.
#   python tools/datasets/make_shapes.py --train 1200 --val 200
#   python tools/train.py configs/neural_rejuvenation/faster_rcnn_r18_nr_flops_nano_shapes_voc.py
# Hardware: one CPU core, two minutes. Not in the document. Obtained: not run.
_base_ = '../detection_freebies/faster_rcnn_resnet18_nano_shapes_voc.py'

# AdamW's steps do not grow with the penalty, so 300 of them would not bring a scale from 1 to 0.
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='SGD', lr=0.02, momentum=0.9, weight_decay=1e-4),
)
custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type='mmvisx.NeuralRejuvenationHook',
        resource='flops',
        # Pyramid and residual streams are fixed alive, which are most of the cost.
        threshold=0.9,
        window=(0, 2),
        rescale=True,
        fixed_lambda=0.04,
        input_shape=(3, 128, 128),
    ),
]
