# Table 5.3 in small, and weighted, unweighted and no mixup: Faster R-CNN with a ResNet-18 of 1.0 M
# parameters, from scratch, at 96x96 pixels. Rows stack up to "+ mixup"; that after it replaces one
# thing of it. "shapes": 2 epochs of 1200 rendered images, mixup in both; "VOC": 18 epochs of 70
# photographs of VOC2012, mixup in the first 16.
#   python tools/datasets/make_shapes.py --train 1200 --val 200
#   python tools/run_series.py configs/_series_/freebies_faster_rcnn.py
_resize = dict(type='Resize', scale=(96, 96), keep_ratio=False)
_pack = dict(type='mmvisx.PackDetInputs')
_augment = [_resize, dict(type='RandomFlip', prob=0.5), _pack]


def _schedules(epochs, per_epoch):
    """Return the warm-up, the steps and the cosine of a training."""
    end = epochs * per_epoch
    whole = dict(by_epoch=False, begin=0, end=end)
    return (
        dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
        dict(type='MultiStepLR', milestones=[2 * end // 3, 11 * end // 12], gamma=0.1, **whole),
        dict(type='CosineAnnealingLR', T_max=end, **whole),
    )


def _mixup(last_epochs, **options):
    """Return the options of mixup with a weighted loss."""
    return {
        'train_dataloader.dataset.pipeline': [
            dict(type='mmvisx.DetectionMixUp', **options),
            *_augment,
        ],
        'custom_hooks': [
            dict(type='mmvisx.CheckFiniteLossHook'),
            dict(type='mmvisx.RandomStateHook'),
            dict(type='mmvisx.BoxWeightsHook'),
            dict(type='mmvisx.MixUpSwitchHook', num_last_epochs=last_epochs),
        ],
    }


def _rows(name, config, epochs, per_epoch, last_epochs):
    """Return the rows of a data set."""
    warm_up, steps, cosine = _schedules(epochs, per_epoch)
    schedule = {'param_scheduler': [warm_up, cosine]}
    smooth = {
        **schedule,
        'model.roi_head.bbox_head.loss_cls': dict(
            _delete_=True, type='mmvisx.SmoothedCrossEntropyLoss'
        ),
    }
    options = {
        '- data augmentation': {'train_dataloader.dataset.pipeline': [_resize, _pack]},
        'baseline without warm-up': {'param_scheduler': [steps]},
        'baseline': {},
        '+ cosine lr schedule': schedule,
        '+ class label smoothing': smooth,
        '+ mixup': {**smooth, **_mixup(last_epochs)},
        '+ mixup, unweighted': {**smooth, **_mixup(last_epochs, weighted=False)},
    }
    return {f'{name}: {row}': dict(config=config, options=o) for row, o in options.items()}


_configs = 'configs/detection_freebies/faster_rcnn_resnet18_nano_{}.py'
rows = {
    **_rows('shapes', _configs.format('shapes_voc'), 2, 150, 0),
    **_rows('VOC', _configs.format('voc2012'), 18, 9, 2),
}
del rows['VOC: baseline without warm-up']
metrics = {'voc/mAP_11points': 'mAP, 11 points', 'voc/mAP_area': 'mAP, area'}
