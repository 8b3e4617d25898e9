# Table 2.6 in small, as bag_of_tricks_cifar10.py, on scikit-learn's digits (8x8 pixels, 1,352
# training and 445 test images) with ResNet-18-D of an eighth of the channels.
#   python tools/run_series.py configs/_series_/bag_of_tricks_digits.py
# Before that, the images and a teacher, which has four times the student's channels and sees the
# same training images:
#   python tools/datasets/digits_to_folder.py
#   python tools/train.py configs/bag_of_tricks/resnet18_d_nano_digits.py \
#       --work-dir work_dirs/digits_teacher \
#       --cfg-options model.backbone.base_channels=32 model.head.in_channels=256
_base_ = './bag_of_tricks_cifar10.py'

_digits = dict(config='configs/bag_of_tricks/resnet18_d_nano_digits.py')
_teacher = {
    'model.teacher': dict(
        _delete_=True,
        type='ImageClassifier',
        backbone=dict(
            type='mmvisx.ResNetTweak',
            depth=18,
            variant='d',
            small_input=True,
            stem_channels=8,
            base_channels=32,
        ),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=10, in_channels=256),
    ),
    'model.teacher_checkpoint': 'work_dirs/digits_teacher/epoch_30.pth',
}

rows = {
    'Efficient': _digits,
    '+ cosine decay': _digits,
    '+ label smoothing': _digits,
    '+ distill w/o mixup': dict(_digits, options=_teacher),
    '+ mixup w/o distill': _digits,
    '+ distill w/ mixup': dict(_digits, options=_teacher),
}
options = {'model.backbone.small_input': True}
