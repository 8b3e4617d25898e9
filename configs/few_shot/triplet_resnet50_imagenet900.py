# Triplet network: the body of the ResNet-50 of the 900 large classes, fine-tuned so that images of
# a class are nearer to each other, by their cosine distance, than to others (001, 2.4.1.1).
#   python tools/train.py configs/few_shot/triplet_resnet50_imagenet900.py \
#       --cfg-options load_from=work_dirs/resnet50_imagenet900/epoch_100.pth
# Its row of the table is the nearest neighbour among its activations (mmvisx few-shot build-bank of
# the four splits, then mmvisx few-shot compare: NN + cosine).
# Hardware: 8 GPUs. Table 2-I, top-1 on large / few classes with all of the large classes' images:
# 70.47 / 1.26 with 1 sample, 70.47 / 3.22 with 3. Obtained: not run.
_base_ = './resnet50_imagenet900.py'

model = dict(head=dict(_delete_=True, type='mmvisx.TripletHead', margin=0.2))
train_dataloader = dict(sampler=dict(_delete_=True, type='mmvisx.PairSampler'))
val_dataloader = None
val_evaluator = None
val_cfg = None

# The document gives no schedule.
max_epochs = 10
train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=0.001))
param_scheduler = dict(milestones=[5, 8])
