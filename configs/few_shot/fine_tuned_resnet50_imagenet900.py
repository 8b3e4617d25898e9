# Fine-tuned: the ResNet-50 of the 900 large classes with rows for the 100 few ones, everything
# trained on the large classes' images and one sample of each few class (001, 2.4.1.1).
#   python tools/train.py configs/few_shot/fine_tuned_resnet50_imagenet900.py \
#       --cfg-options load_from=work_dirs/resnet50_imagenet900/epoch_100.pth
# Hardware: 8 GPUs. Table 2-I, top-1 on large / few classes:
# 76.28 / 2.82 with 1 sample, 76.25 / 16.76 with 3. Obtained: not run.
_base_ = './resnet50_imagenet900.py'

lists = 'data/imagenet900_split/'
num_classes = 1000
known = 900
model = dict(
    data_preprocessor=dict(num_classes=num_classes),
    head=dict(type='mmvisx.ExtendedClsHead', num_classes=num_classes, known=known),
)
joint = dict(classes=lists + 'joint_classes.txt')
train_dataloader = dict(dataset=dict(ann_file=lists + 'joint_train_1.txt', metainfo=joint))
val_dataloader = dict(dataset=dict(ann_file=lists + 'joint_test.txt', metainfo=joint))
test_dataloader = val_dataloader
val_evaluator = dict(_delete_=True, type='mmvisx.JointAccuracy', num_large=known)
test_evaluator = val_evaluator

# The document gives no schedule: the rate between the classifier's last drops.
max_epochs = 10
train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=0.001))
param_scheduler = dict(milestones=[5, 8])
