# Random grids of 12x12 cells, drawn at the start: are the two marked cells connected?
# Half of the answers are yes, at each distance; 8,192 grids of another seed are held out.
side = 12
batch_size = 64
num_images = 800 * batch_size  # of training; a recipe with more steps takes more
pipeline = [dict(type='PackInputs')]

# 0 and 255 become -1 and 1.
data_preprocessor = dict(num_classes=2, mean=[127.5] * 3, std=[127.5] * 3, to_rgb=False)

train_dataloader = dict(
    batch_size=batch_size,
    num_workers=0,
    persistent_workers=False,
    # Each seed of the training shows the grids in another order.
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='mmvisx.GridConnectivity', number=num_images, side=side, seed=0, pipeline=pipeline
    ),
)
val_dataloader = dict(
    batch_size=512,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='mmvisx.GridConnectivity',
        number=8192,
        side=side,
        seed=1_000_000,
        test_mode=True,
        pipeline=pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(type='Accuracy', topk=1)
test_evaluator = val_evaluator
