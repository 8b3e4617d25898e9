# ResNet-18 (11,689,512 parameters) from all of ImageNet's labels. The chapter's numbers are those
# that fb.resnet.torch publishes; this is its schedule.
#   python tools/train.py configs/co_training/supervised_r18_90e_imagenet.py
# Hardware: 1 GPU. Expected: 30.43 % and 10.76 % error, top-1 69.57, top-5 89.24 (Table 3-III).
# Obtained: not run.
_base_ = 'supervised_r18_600e_imagenet.py'

train_dataloader = dict(dataset=dict(_base_.images, _delete_=True))
train_cfg = dict(max_epochs=90)
param_scheduler = dict(milestones=[30, 60])
