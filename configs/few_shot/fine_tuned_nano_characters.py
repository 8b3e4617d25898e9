# Fine-tuned: the classifier of the 200 large classes with rows for the 42 few ones, everything
# trained on the large classes' images and one sample of each few class. Lists by
#   mmvisx few-shot split-classes data/characters --few 'Sanskrit*' --test 5 --shots 1 2 3 \
#       --out data/characters_split
#   python tools/train.py configs/few_shot/fine_tuned_nano_characters.py \
#       --cfg-options load_from=work_dirs/four_conv_nano_characters/epoch_40.pth
# Other numbers of samples: --cfg-options train_dataloader.dataset.ann_file=...joint_train_3.txt
# Hardware: one CPU core, a minute. Not in the document; numbers: docs/methods/few_shot.md.
_base_ = './four_conv_nano_characters.py'

lists = 'data/characters_split/'
num_classes = 242
known = 200
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

# The document gives no schedule. The rate is the best of 0.001, 0.005, 0.02, 0.05, 0.1, 0.2 and 0.4
# on 50 of the large classes, treated as new by a network that had not seen them: a new class has
# one image an epoch, and up to 0.05 none was recognised.
max_epochs = 10
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=0.2))
param_scheduler = dict(milestones=[max_epochs // 2, max_epochs * 3 // 4])
