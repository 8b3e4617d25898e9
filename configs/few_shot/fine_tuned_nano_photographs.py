# Fine-tuned: the classifier of the 60 large classes with rows for the 20 few ones, everything
# trained on the large classes' images and one sample of each few class.
#   python tools/train.py configs/few_shot/fine_tuned_nano_photographs.py \
#       --cfg-options load_from=work_dirs/four_conv_nano_photographs/epoch_40.pth
# Other numbers of samples: --cfg-options train_dataloader.dataset.ann_file=...joint_train_3.txt
# Hardware: one CPU core, minutes. Not in the document; obtained: not run.
_base_ = './four_conv_nano_photographs.py'

lists = 'data/photographs_split/'
num_classes = 80
known = 60
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

# The document gives no schedule; the rate of the characters, where it was searched.
max_epochs = 10
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=0.2))
param_scheduler = dict(milestones=[max_epochs // 2, max_epochs * 3 // 4])
