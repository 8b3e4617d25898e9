# What methods share that predict no classes: no library's task, and no pictures of predictions.
_base_ = './default_runtime.py'
default_scope = 'mmengine'

default_hooks = dict(
    _delete_=True,
    **{name: hook for name, hook in _base_.default_hooks.items() if name != 'visualization'},
)
visualizer = dict(_delete_=True, type='Visualizer', vis_backends=_base_.vis_backends)
