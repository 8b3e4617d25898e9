# Triplet network: the body of the classifier of the 60 large classes, fine-tuned so that images of
# a class are nearer to each other, by their cosine distance, than to others.
#   python tools/train.py configs/few_shot/triplet_nano_photographs.py \
#       --cfg-options load_from=work_dirs/four_conv_nano_photographs/epoch_40.pth
# Its row of the table is the nearest neighbour among its activations (mmvisx few-shot build-bank of
# the four splits, then mmvisx few-shot compare: NN + cosine).
# Hardware: one CPU core, minutes. Not in the document; obtained: not run.
_base_ = './four_conv_nano_photographs.py'

model = dict(head=dict(_delete_=True, type='mmvisx.TripletHead', margin=0.2))
train_dataloader = dict(sampler=dict(_delete_=True, type='mmvisx.PairSampler'))
val_dataloader = None
val_evaluator = None
val_cfg = None

# The document gives no schedule.
max_epochs = 10
train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=0.01))
param_scheduler = dict(milestones=[max_epochs // 2, max_epochs * 3 // 4])
