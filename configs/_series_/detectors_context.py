# Table 6-II in small: from the weights of one trained HTC a seed, the same number of further
# iterations with and without RFP and SAC. Both start as the identity and all rows of a seed see
# the same images in the same order, so that the rows can be compared in pairs.
#
# Expected before any run: the document's gains on COCO, RFP +4.2, SAC +4.3, both +7.0 box AP, come
# from scale and context, so of the rendered data they should show here, with objects of 6 to 90 %
# of the image, three quarters hidden at most, whose class depends on what is around them: both
# above SAC and RFP above WS by some points of AP, most on the large ones (SAC's larger rate) and on
# the hidden ones (RFP looks twice); and both above WS trained for the same time.
#   python tools/datasets/make_shapes.py --out data/shapes_context --train 3000 --val 1000 \
#       --min-objects 3 --max-objects 8 --sizes 0.06 0.9 --visibility 0.25 --context --workers 8
#   python tools/run_series.py configs/_series_/detectors_context_start.py --seeds 0 1 2 3
#   for seed in 0 1 2 3; do for arm in ws rfp sac rfp_sac; do
#       python tools/model_converters/warm_start_detectors.py --seed $seed \
#           work_dirs/detectors_context_start/htc_ws/seed_$seed/iter_900.pth \
#           configs/detectors/htc_${arm}_nano_context.py \
#           work_dirs/detectors_context_start/${arm}_seed_$seed.pth
#   done; done
#   python tools/run_series.py configs/_series_/detectors_context.py --seeds 0 1 2 3
_iterations = 600
_step_time = 1.8  # of RFP and SAC together, in steps of WS; measured on one CPU core: 1.80
_equal_time = round(_iterations * _step_time)


def _row(arm, iterations=_iterations):
    return dict(
        config=f'configs/detectors/htc_{arm}_nano_context.py',
        options={
            'load_from': 'work_dirs/detectors_context_start/' + arm + '_seed_{seed}.pth',
            'train_cfg.max_iters': iterations,
            'train_cfg.val_interval': iterations,
            'param_scheduler.LinearLR.end': 50,
            'param_scheduler.CosineAnnealingLR.end': iterations,
            'param_scheduler.CosineAnnealingLR.T_max': iterations,
            'default_hooks.checkpoint.interval': iterations,
        },
    )


rows = {
    'HTC + WS': _row('ws'),
    'HTC + RFP': _row('rfp'),
    'HTC + SAC': _row('sac'),
    'HTC + RFP + SAC': _row('rfp_sac'),
    'HTC + WS, equal time': _row('ws', _equal_time),
}
baseline = 'HTC + WS'
pairs = [['HTC + RFP + SAC', 'HTC + WS, equal time']]
metrics = {
    'coco/bbox_mAP': 'box AP',
    'coco/bbox_mAP_50': 'box AP50',
    'coco/segm_mAP': 'mask AP',
    'coco/bbox_mAP_below_15': 'small',
    'coco/bbox_mAP_from_15_to_40': 'middle',
    'coco/bbox_mAP_above_40': 'large',
    'coco/bbox_mAP_half_hidden': 'hidden',
    'coco/bbox_mAP_partly_hidden': 'partly hidden',
    'coco/bbox_mAP_whole': 'whole',
}
