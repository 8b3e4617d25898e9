# Deep Co-Training in small: digits with 100 labels, against the same networks alone. Test on 1,000
# other images; a network's accuracy is the mean over the views, the ensemble stands beside it.
#   python tools/datasets/split_labels.py data/mnist_png/train --per-class 10 --seed 0 \
#       --out data/mnist_labels/100_0.txt    (and with the seeds 1 and 2)
#   python tools/run_series.py configs/_series_/co_training_digits.py
# Expected: every row with unlabelled images above the supervised one by more than the spread, both
# terms at least as good as the better one alone.
_recipe = 'configs/co_training/{}_nano_digits.py'
_two, _four = _recipe.format('two_views'), _recipe.format('four_views')

options = {'train_dataloader.dataset.labelled': 'data/mnist_labels/100_{seed}.txt'}
rows = {
    'supervised': dict(config=_recipe.format('supervised')),
    'L_cot': dict(config=_two, options={'model.lambda_dif': 0.0}),
    'L_dif': dict(config=_two, options={'model.lambda_cot': 0.0}),
    'both': dict(config=_two),
    'Pi model': dict(config=_recipe.format('pi_model')),
    'Mean Teacher': dict(config=_recipe.format('mean_teacher')),
    'both, target detached': dict(config=_two, options={'model.detach_target': True}),
    'both, 4 views, fake': dict(config=_four, options={'model.real': False}),
    'both, 4 views': dict(config=_four),
}
baseline = 'supervised'
pairs = [
    ('both', 'L_cot'),
    ('both', 'L_dif'),
    ('both', 'both, target detached'),
    ('both, 4 views', 'both'),
    ('both, 4 views', 'both, 4 views, fake'),
]
metrics = {
    'views/mean': 'mean of the views',
    'views/ensemble': 'ensemble',
    'views/disagreement': 'disagreement',
}
