# What every classification recipe shares: mmpretrain's names, hooks and drawing.
_base_ = './default_runtime.py'
default_scope = 'mmpretrain'

default_hooks = dict(
    checkpoint=dict(max_keep_ckpts=1),
    visualization=dict(_delete_=True, type='VisualizationHook', enable=False),
)
custom_hooks = [*_base_.custom_hooks, dict(type='mmvisx.ClassCountHook')]
visualizer = dict(_delete_=True, type='UniversalVisualizer', vis_backends=_base_.vis_backends)
