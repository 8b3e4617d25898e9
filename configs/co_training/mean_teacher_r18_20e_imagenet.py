# Mean Teacher, two ResNet-18 side by side from the weights of supervised_r18_600e_imagenet.py, 10 %
# of ImageNet's labels.
#   python tools/train.py configs/co_training/mean_teacher_r18_20e_imagenet.py
# Hardware: 1 GPU. Expected: 49.07 % and 23.59 % error in its authors' training (Table 3-III); on
# these streams unknown. Obtained: not run.
_base_ = 'two_views_r18_20e_imagenet.py'

model = dict(
    _delete_=True,
    type='mmvisx.MeanTeacher',
    views=_base_.views,
    weight=100.0,
    momentum=0.001,
    data_preprocessor=_base_.data_preprocessor,
)
train_dataloader = dict(batch_sampler=dict(twins=True))
